#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "logagent/fleet/render.hpp"
#include "logagent/fleet/service.hpp"

namespace logagent::test {

inline fleet::host make_host(std::string name, std::vector<std::string> ips,
                             fleet::label_map labels = {}, bool live = true) {
    fleet::host out;
    out.name = std::move(name);
    out.ips = std::move(ips);
    if (!out.ips.empty()) out.primary_ip = out.ips.front();
    out.labels = std::move(labels);
    out.live = live;
    return out;
}

inline fleet::service_file make_file(const std::string& service, std::string path,
                                     std::string topic, std::uint64_t rate = 0) {
    fleet::service_file out;
    out.target.service = service;
    out.target.log_path = std::move(path);
    out.target.topic = std::move(topic);
    out.target.send_rate = rate;
    return out;
}

/// A service of some paths, each to the topic "t", on the hosts of a list.
inline fleet::service make_service(const std::string& name, std::vector<std::string> hosts,
                                   const std::vector<std::string>& paths) {
    fleet::service out;
    out.name = name;
    out.hosts.list = std::move(hosts);
    for (const auto& path : paths)
        out.files.push_back(make_file(name, path, "t"));
    return out;
}

inline std::vector<fleet::service_state> states(std::vector<fleet::service> services) {
    std::vector<fleet::service_state> out;
    for (auto& one : services)
        out.push_back({std::move(one), std::nullopt});
    return out;
}

}  // namespace logagent::test
