#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fleet_state.hpp"

// Writing the keys of hosts. A change that is larger than one transaction of etcd leaves a record
// of how far it has come, and every transaction moves that record on, so that any process can
// finish it.

namespace logagent::web {

/// What a change did to the keys of hosts.
struct carried_out {
    std::int64_t revision = 0;  // of the first transaction, which holds the change
    std::vector<fleet::planned_key> written;
    std::vector<fleet::planned_key> failed;  // somebody else kept changing them
    std::size_t pending = 0;                 // written soon: etcd did not answer here
};

/// Writes the change, its audit record and the first keys in one transaction, then the other keys,
/// some hosts at a time; nullopt if something of the first one has changed meanwhile. What failed
/// shows up in every later plan.
boost::asio::awaitable<std::optional<carried_out>> carry_out(parts& with, exchange& one,
                                                             const prepared_plan& prepared,
                                                             change what);

/// {"written","unchanged","pending","held":[],"failed":[],"errors":[],"warnings":[]}; lists are cut
/// at 100.
boost::json::object outcome_json(const prepared_plan& prepared, const carried_out& done);

/// How far a change has come.
struct apply_record {
    std::string id;
    std::int64_t mod_revision = 0;
    std::string replica;  // who is at it
    std::string action;   // as the audit calls the change
    std::string target;
    std::string only_service;     // as in prepared_plan
    bool addresses_only = false;  // as there
    bool additions_only = false;  // as there
    fleet::plan_options options;
    std::string host;  // of the last key that is written, with its address
    std::string address;
    std::size_t written = 0;  // keys
    std::size_t total = 0;    // keys, as first planned

    /// Whether a key comes after the last one that is written.
    bool before(const fleet::planned_key& key) const;
};

boost::json::object to_json(const apply_record& record);
/// Nullopt for what this version cannot read.
std::optional<apply_record> parse_apply(std::string_view id, std::string_view json);

/// Finishes what processes that are gone, or requests of this one, left unfinished. Throws
/// `refused` (503).
boost::asio::awaitable<void> finish_applies(parts& with);

}  // namespace logagent::web
