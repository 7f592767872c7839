#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "exchange.hpp"
#include "logagent/fleet/plan.hpp"
#include "logagent/fleet/rollout.hpp"
#include "logagent/fleet/service.hpp"
#include "parts.hpp"
#include "repository.hpp"

namespace logagent::web {

/// A service as etcd has it.
struct stored_service {
    fleet::service value;
    std::int64_t mod_revision = 0;  // 0 = there is none
    boost::json::object document;   // with what the server adds
    std::string broken;             // why it cannot be read; empty = it can
};

/// A rollout that is running or paused.
struct stored_rollout {
    fleet::rollout value;
    std::int64_t mod_revision = 0;
    std::int64_t lock_revision = 0;  // mod_revision of the key that names it for its service
    std::string broken;              // why it cannot be read; empty = it can
};

/// All that decides what hosts collect, read at one revision.
struct fleet_state {
    std::int64_t revision = 0;
    std::map<std::string, stored_service> services;
    std::map<std::string, stored_rollout> rollouts;  // by service
    std::vector<fleet::host> hosts;
    std::vector<fleet::key_state> keys;
};

boost::asio::awaitable<fleet_state> read_fleet(parts& with);

/// The same without the keys of hosts, which are most of it.
boost::asio::awaitable<fleet_state> read_definitions(parts& with);

/// What a state comes to: rendered, and compared with the keys.
struct prepared_plan {
    fleet::rendering wanted;
    fleet::plan plan;
    fleet::plan_options options;  // that it was made with
    std::string only_service;     // writes are those of its hosts alone; "" = of all
    bool addresses_only = false;  // writes are those that keep_addresses() leaves
    bool additions_only = false;  // writes are those that keep_additions() leaves
};

/// What a state is rendered from: services, each with its rollout if it is in one. Throws `refused`
/// (409) where one cannot be read: rendering without it would take its files from every host.
std::vector<fleet::service_state> services_of(const fleet_state& state);

/// Names of the hosts that the service's definition, or the one it is rolled out to, selects;
/// ascending.
std::vector<std::string> hosts_of(const fleet_state& state, const std::string& service);

/// Renders, and lets other work run in between. Both stay alive.
boost::asio::awaitable<fleet::rendering> render_in_turns(
    std::span<const fleet::service_state> services, fleet::host_index& hosts);

/// Lets other work run between some hundred keys. `state` stays alive. Throws as services_of().
boost::asio::awaitable<prepared_plan> prepare(const fleet_state& state,
                                              fleet::plan_options options);

/// Refuses what people have to settle first: two services with the same path and topic, or more
/// entries than a host may have, as far as one of these services has to do with it.
void refuse_errors(const prepared_plan& prepared, const std::vector<std::string>& services);

/// Leaves only writes for the hosts of that service in the plan.
void keep_service(prepared_plan& prepared, const fleet_state& state, const std::string& service);

/// Leaves only writes for the addresses of plan_options::take_over in the plan.
void keep_addresses(prepared_plan& prepared);

/// The whole plan: its summary, and "hosts" with a difference each, cut at 1000.
boost::json::object plan_json(const prepared_plan& prepared);

/// Equal for plans that write the same bytes over the same state.
std::string digest_of(const prepared_plan& prepared);

}  // namespace logagent::web
