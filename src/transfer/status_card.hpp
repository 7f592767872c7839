#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "etcd_routes.hpp"
#include "logagent/transfer/route_check.hpp"
#include "status.hpp"

namespace logagent::transfer {

/// Where a route that runs was defined.
struct route_origin {
    std::vector<std::string> topics;  // or one expression, "~shop-.*"
    bool in_etcd = false;             // else in the local file
    std::int64_t revision = 0;        // mod_revision of its key; 0 = not known
};

/// All that a process shows of itself in etcd.
struct card_facts {
    std::string instance;  // names this run of the process
    std::string host;
    std::vector<sink_outline> sinks;
    transfer_status now;
    std::map<std::string, route_origin> origins;          // by route
    std::map<std::string, etcd_routes::refusal> refused;  // routes in etcd that are not used
};

/// Decides when what `logagent web` sees of a process is written anew, and what it says: what runs
/// and whether it works within a look, figures every 5 s, nothing while nothing changes. Pure.
/// The form is in docs/formats.md.
class status_card {
public:
    using clock = std::chrono::steady_clock;

    /// The value to write, or nothing. Called about once a second.
    std::optional<std::string> look(const card_facts& facts, clock::time_point now);

    static constexpr std::size_t most_bytes = 60 << 10;  // of a value
    static constexpr std::size_t most_parts = 20;        // of a route; those that are most behind
    static constexpr std::chrono::seconds figures_interval{5};

private:
    void measure(const transfer_status& now, clock::time_point at);

    std::map<std::string, std::uint64_t> counted_;  // records that were final, at measured_
    std::map<std::string, double> rates_;           // records/s
    std::optional<clock::time_point> measured_;
    std::string stand_;  // what is told at once, as it was written last
    std::string text_;   // as written last
};

}  // namespace logagent::transfer
