#include "status_view.hpp"

#include <boost/json/array.hpp>

namespace logagent::web {

namespace json = boost::json;

namespace {

template <class Each>
service_counts visit(const fleet_view& view, const host_registry& hosts, const std::string& service,
                     Each each) {
    service_counts out;
    for (const auto& host : view.hosts_of_service(service)) {
        const auto now = look_at(view, hosts, host, service);
        ++out.hosts;
        switch (now.state) {
            case service_host_state::applied:
                ++out.applied;
                break;
            case service_host_state::failed:
                ++out.failed;
                break;
            case service_host_state::waiting:
                ++out.waiting;
                break;
            case service_host_state::offline:
                ++out.offline;
                break;
        }
        each(host, now);
    }
    return out;
}

}  // namespace

service_counts count_hosts(const fleet_view& view, const host_registry& hosts,
                           const std::string& service) {
    return visit(view, hosts, service, [](const std::string&, const service_host&) {});
}

json::object to_json(const service_counts& counts) {
    json::object out;
    out["hosts"] = counts.hosts;
    out["applied"] = counts.applied;
    out["failed"] = counts.failed;
    out["waiting"] = counts.waiting;
    out["offline"] = counts.offline;
    return out;
}

json::object status_json(const fleet_view& view, const host_registry& hosts,
                         const std::string& service, std::size_t most) {
    json::array failed;
    json::array waiting;
    json::array offline;
    const auto counts =
        visit(view, hosts, service, [&](const std::string& host, const service_host& now) {
            if (now.state == service_host_state::waiting && waiting.size() < most)
                waiting.emplace_back(host);
            if (now.state == service_host_state::offline && offline.size() < most)
                offline.emplace_back(host);
            if (now.state != service_host_state::failed || failed.size() == most) return;
            json::object one;
            one["host"] = host;
            one["code"] = now.failure.code;
            one["pointer"] = now.failure.pointer;
            one["detail"] = now.failure.detail;
            failed.push_back(std::move(one));
        });
    json::object out;
    out["hosts"] = counts.hosts;
    out["applied"] = counts.applied;
    out["failed"] = std::move(failed);
    out["failed_total"] = counts.failed;
    out["waiting"] = std::move(waiting);
    out["waiting_total"] = counts.waiting;
    out["offline"] = std::move(offline);
    out["offline_total"] = counts.offline;
    return out;
}

}  // namespace logagent::web
