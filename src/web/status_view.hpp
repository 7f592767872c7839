#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <string>

#include "fleet_board.hpp"

// How services stand on their hosts, for people. Pure.

namespace logagent::web {

struct service_counts {
    std::size_t hosts = 0;
    std::size_t applied = 0;
    std::size_t failed = 0;
    std::size_t waiting = 0;
    std::size_t offline = 0;
};

service_counts count_hosts(const fleet_view& view, const host_registry& hosts,
                           const std::string& service);
boost::json::object to_json(const service_counts& counts);

/// {"hosts","applied","failed":[{"host","code","pointer","detail"}],"waiting":[],"offline":[]} and
/// "failed_total" and so on; lists are cut at `most`.
boost::json::object status_json(const fleet_view& view, const host_registry& hosts,
                                const std::string& service, std::size_t most);

}  // namespace logagent::web
