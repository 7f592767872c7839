#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace logagent::web {

/// What a host has told about itself, and whether it is still there.
struct host_record {
    boost::json::object status;  // the last one; empty if it could not be read
    bool online = false;         // its lease lives
    std::int64_t since_ms = 0;   // wall clock: when `online` has changed, as seen from here
};

/// Every host that has a status in etcd, or had one since this process began.
class host_registry {
public:
    void put(std::string_view host, std::string_view status, std::int64_t now_ms);
    /// The lease is gone: the host is offline, its last status stays.
    void remove(std::string_view host, std::int64_t now_ms);
    /// Begins a new snapshot: whoever is not put after it and before end_snapshot() is offline.
    void begin_snapshot();
    void end_snapshot(std::int64_t now_ms);

    const std::map<std::string, host_record>& all() const noexcept { return hosts_; }

private:
    std::map<std::string, host_record> hosts_;
    std::map<std::string, bool> seen_;  // during a snapshot
};

}  // namespace logagent::web
