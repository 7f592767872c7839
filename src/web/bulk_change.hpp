#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apply.hpp"

// Many services or hosts in one request: one result for each of them, whatever becomes of the
// others.

namespace logagent::web {

/// What became of one service or host. `result`: "created", "changed", "unchanged", "deleted",
/// "failed".
struct bulk_item {
    std::string kind;  // "service", "host"
    std::string name;
    std::string result;
    std::string detail;  // of "failed": why
};

struct bulk_outcome {
    std::vector<bulk_item> items;
    std::size_t written = 0;  // keys of hosts
    boost::json::value plan;  // with dry_run: the whole plan, or null where it is refused

    bool any_failed() const;
};

/// {"items":[...],"written"}, with dry_run also "plan" and "dry_run".
boost::json::object to_json(const bulk_outcome& from, bool dry_run);

/// Brings services to these definitions (nullopt: removed), some of them in one transaction. Those
/// that conflict with others, or are in a rollout, fail alone. Throws `refused`.
using wanted_services = std::map<std::string, std::optional<fleet::service>>;
boost::asio::awaitable<bulk_outcome> change_services(parts& with, exchange& one,
                                                     wanted_services wanted);

/// Brings documents of hosts to these (nullopt: removed), then renders what follows from it.
using wanted_hosts = std::map<std::string, std::optional<fleet::host>>;
boost::asio::awaitable<bulk_outcome> change_hosts(parts& with, exchange& one, wanted_hosts wanted);

}  // namespace logagent::web
