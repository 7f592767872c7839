#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transfer_fleet.hpp"

namespace logagent::web {

/// A route as its key in etcd has it.
struct stored_route {
    std::int64_t revision = 0;  // mod_revision
    boost::json::object document;
    std::string broken;  // why the value is no document; empty = it is one
};
using stored_routes = std::map<std::string, stored_route>;

/// One route: what is wanted, who has taken it, and how it goes.
struct route_picture {
    std::string name;
    const stored_route* stored = nullptr;  // null: it is in files of processes only
    /// "running", "starting", "stalled", "failed", "stopping": all who run it have the definition,
    /// and the worst of them is so. "waiting": somebody has not taken the definition yet.
    /// "refused": somebody runs an older one since this one cannot be used, or nobody can use it.
    /// "idle": there is no process. "removing": the definition is gone, somebody still drains.
    std::string state;
    std::string detail;  // why, in one line; may be empty
    struct runner {
        const transfer_process* process;
        const shown_route* route;
    };
    std::vector<runner> runners;
    struct refuser {
        const transfer_process* process;
        const transfer_process::refusal* refusal;
    };
    std::vector<refuser> refusers;  // of the definition as it is now

    std::vector<std::string> topics;
    std::string sink, type, group;
    std::optional<std::int64_t> lag;  // records; nothing = somebody does not know
    double rate = 0;                  // records/s, of all
    double oldest_s = 0;
    std::uint64_t dead_letters = 0;
    std::vector<shown_route::rejection> rejected;  // by topic, of all

    /// Seconds until the lag is gone at this rate; nothing = never, or not known.
    std::optional<double> lag_s() const;
};

/// Pure; borrows both.
route_picture picture_of(const std::string& name, const stored_route* stored,
                         const transfer_fleet& processes);

/// Every route that has a definition or is run, by name.
std::vector<route_picture> pictures_of(const stored_routes& stored,
                                       const transfer_fleet& processes);

/// The row of the list.
boost::json::object route_row(const route_picture& of);
/// The row, with who runs it, who does not, and the partitions that are most behind.
boost::json::object route_document(const route_picture& of);

boost::json::object process_document(const transfer_process& of);

}  // namespace logagent::web
