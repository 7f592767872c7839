#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "credentials.hpp"
#include "host_registry.hpp"
#include "key_names.hpp"
#include "logagent/fleet/service.hpp"
#include "logagent/http/server.hpp"
#include "login_limiter.hpp"
#include "repository.hpp"
#include "transfer_fleet.hpp"

namespace logagent::web {

class certificate_watch;
class fleet_board;
class live_hub;
class stats_desk;
class tail_desk;
using service_map = std::map<std::string, fleet::service>;  // definitions by name

/// What the endpoints work with. All of it outlives every request.
struct parts {
    key_names keys;
    repository& store;
    credentials& tokens;
    host_registry& hosts;
    live_hub& live;
    tail_desk& tails;
    const stats_desk& stats;
    const service_map& services;
    login_limiter logins = {};
    std::string replica = {};             // names this process among those that share an etcd
    std::set<std::string> applying = {};  // ids of changes that a request is carrying out
    std::function<std::optional<std::uint64_t>(std::string_view host)> lag_of = {};  // bytes
    fleet_board* board = nullptr;
    transfer_fleet transfers = {};                // processes of transfer, as they show themselves
    route_check check_route = {};                 // null: documents of routes are not looked into
    bool tls = false;                             // what is served is
    std::function<std::string()> not_ready = {};  // why not, one line; empty = ready
    std::function<std::chrono::nanoseconds()> longest_turn = {};  // of the loop
    std::function<http::server_counters()> counters = {};         // of the server
    const certificate_watch* certificate = nullptr;               // null: plain HTTP
    std::map<unsigned, std::uint64_t> answers = {};               // by status
};

}  // namespace logagent::web
