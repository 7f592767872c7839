#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "exchange.hpp"
#include "logagent/fleet/plan.hpp"
#include "logagent/fleet/service.hpp"
#include "logagent/fleet/transaction.hpp"
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

/// All that decides what hosts collect, read at one revision.
struct fleet_state {
    std::int64_t revision = 0;
    std::map<std::string, stored_service> services;
    std::vector<fleet::host> hosts;
    std::vector<fleet::key_state> keys;
};

boost::asio::awaitable<fleet_state> read_fleet(parts& with);

/// What a state comes to: rendered, compared with the keys, and cut into transactions.
struct prepared_plan {
    fleet::rendering wanted;
    fleet::plan plan;
};

/// Throws `refused` (409) where a stored service cannot be read: rendering without it would take
/// its files from every host. Lets other work run between some hundred keys. `state` stays alive.
boost::asio::awaitable<prepared_plan> prepare(const fleet_state& state,
                                              fleet::plan_options options);

/// Refuses what people have to settle first: two services with the same path and topic, or more
/// entries than a host may have, as far as one of these services has to do with it.
void refuse_errors(const prepared_plan& prepared, const std::vector<std::string>& services);

/// What a change did to the keys of hosts.
struct carried_out {
    std::int64_t revision = 0;  // of the first transaction, which holds the change
    std::vector<fleet::planned_key> written;
    std::vector<fleet::planned_key>
        failed;  // of a later transaction: changed meanwhile, or no etcd
};

/// Writes the change, its audit record and the first keys in one transaction, then the other keys,
/// some hosts at a time; nullopt if something of the first one has changed meanwhile. What is left
/// undone after that shows up in every later plan.
boost::asio::awaitable<std::optional<carried_out>> carry_out(parts& with, exchange& one,
                                                             const prepared_plan& prepared,
                                                             change what);

/// {"written","unchanged","held":[],"failed":[],"errors":[],"warnings":[]}; lists are cut at 100.
boost::json::object outcome_json(const prepared_plan& prepared, const carried_out& done);

/// The whole plan: its summary, and "hosts" with a difference each, cut at 1000.
boost::json::object plan_json(const prepared_plan& prepared);

/// Equal for plans that write the same bytes over the same state.
std::string digest_of(const prepared_plan& prepared);

}  // namespace logagent::web
