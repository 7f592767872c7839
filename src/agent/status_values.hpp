#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logagent/agent/config_report.hpp"
#include "logagent/os/confinement.hpp"
#include "logagent/tail/collector.hpp"

namespace logagent::agent {

/// Something that a person should know about.
struct problem {
    std::string code;
    std::string text;
    std::int64_t since_ms = 0;  // wall clock at which it was first seen without a break
};

/// Remembers since when each problem stands.
class problem_log {
public:
    using list = std::vector<std::pair<std::string, std::string>>;  // code, text

    /// The problems of now, in their order, each once. One that is not among them is over: when it
    /// comes back it begins anew.
    std::vector<problem> update(const list& now, std::int64_t wall_ms);

private:
    std::map<std::pair<std::string, std::string>, std::int64_t> since_;
};

/// A topic, or one partition of it, that takes nothing.
struct blocked_partition {
    std::string topic;
    std::int32_t partition = -1;  // -1 = the whole topic
    std::string reason;           // name of the Kafka error
};

/// Parked topics, and partitions without a leader; at most 1000.
std::vector<blocked_partition> blocked_in(const delivery::topic_table& topics);

/// All figures but those of single files, at one moment.
struct status_values {
    std::string host;
    std::string instance;
    std::string version;
    std::vector<std::string> ips;
    std::int64_t started_ms = 0;
    std::vector<os::confinement_layer> hardening;  // none = it is off
    config_report config;
    std::vector<problem> problems;
    bool kafka_up = false;
    std::uint64_t kafka_rebuilds = 0;
    double requests_per_s = 0;
    std::vector<blocked_partition> blocked;
    std::uint64_t in_flight_bytes = 0;  // charged against the limit: keys and overhead included
    std::uint64_t in_flight_limit = 0;
    tail::collector::ledger ledger;
    tail::totals counted;
    std::size_t file_count = 0;
    bool journal_works = true;
    double longest_stall_s = 0;
};

/// tail::collector::visit_files with the time already bound.
using file_visitor = std::function<void(std::string_view after, std::size_t limit,
                                        const std::function<void(const tail::file_view&)>& each)>;

/// Where the pages get what they show.
struct status_source {
    std::function<status_values()> values;
    file_visitor files;
    std::function<const std::map<std::uint64_t, checkpoint::loss_record>&()> losses = {};
};

/// The problems of the configuration, Kafka and the journal; those of files and topics come from
/// the collector. `kafka` and `journal` are texts, empty = all is well.
problem_log::list derived_problems(const config_report& config, const std::string& kafka,
                                   const std::string& journal);

/// Name of a byte class as in the ledger.
std::string_view name(checkpoint::byte_class which) noexcept;

/// States of a file, in the order in which they are counted.
inline constexpr std::array<std::string_view, 8> file_states{
    "waiting", "tailing", "throttled", "denied", "error", "draining", "done", "shadowed"};

/// Files by state; an unknown state counts nowhere.
using state_counts = std::array<std::uint64_t, file_states.size()>;
void count_state(state_counts& counts, std::string_view state) noexcept;

/// Walks all files page by page, so that a path that has several topics is never cut in two.
class file_walk {
public:
    file_walk(const file_visitor& visit, std::string after)
        : visit_{&visit}, after_{std::move(after)} {}

    /// Calls `each` for about `count` more files. False: there are no more.
    bool next(std::size_t count, const std::function<void(const tail::file_view&)>& each);

    /// Path after which the next file comes.
    const std::string& after() const noexcept { return after_; }

private:
    std::size_t whole_paths(std::size_t count, std::size_t limit, bool& last) const;

    const file_visitor* visit_;
    std::string after_;
};

}  // namespace logagent::agent
