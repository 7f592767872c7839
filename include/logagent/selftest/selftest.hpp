#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/kafka/settings.hpp"
#include "logagent/selftest/verdict.hpp"

namespace logagent::selftest {

/// How the log of one writer is rotated; there is one writer for each.
enum class rotation : std::uint8_t {
    rename,         // renamed, a new file at once
    rename_late,    // renamed, the writer goes on in the old file for a moment
    copy_truncate,  // copied while it grows, then truncated
    remove,         // deleted and made again
};
inline constexpr std::uint32_t rotation_kinds = 4;
std::string_view name_of(rotation kind);

struct options {
    std::string directory;            // of the operator; everything lies in a new one below it
    std::chrono::seconds length{30};  // of the torture; what is under way is waited for afterwards
    kafka::settings kafka;            // brokers empty = the embedded broker
    std::vector<std::string> agent_settings;  // KEY=VALUE for the child agent
    std::vector<std::string> deny_paths;      // as the child agent has them
    bool allow_network_fs = false;            // likewise
    bool keep = false;
};

struct progress {
    std::chrono::seconds at{0};
    tally sum;
    std::uint64_t missing = 0;  // lines on their way
    std::uint64_t rotations = 0;
    std::uint32_t kills = 0;
    std::uint32_t outages = 0;
    bool agent_up = false;
    bool broker_up = true;
    bool draining = false;  // the writers have stopped
};

struct result {
    selftest::verdict verdict;
    std::array<std::uint64_t, rotation_kinds> rotations{};
    std::uint32_t kills = 0;
    std::uint32_t outages = 0;
    std::chrono::milliseconds slowest_return{0};  // from a kill to the next agent's first line
    bool embedded = true;                         // the broker
    bool interrupted = false;                     // by the operator
    std::string failure;  // why the test itself could not go on; empty = it could
    std::vector<std::string> notes;
    std::string kept;  // the directory that was left; empty = nothing was

    bool good() const { return failure.empty() && verdict.good(); }
};

/// Sees the run; called on its loop.
class observer {
public:
    virtual ~observer() = default;
    virtual void began(const std::string& directory, const std::string& brokers) = 0;
    virtual void progressed(const progress& now) = 0;
};

/// The directory cannot be used for it; nothing has been done and nothing is left.
class unusable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Writes logs, rotates them, kills the agent that collects them, takes the broker away, and judges
/// what has come out of Kafka. Runs a loop of its own; SIGINT and SIGTERM end it early. Throws
/// `unusable`. With the embedded broker the process should end by _exit() afterwards.
result run(options chosen, observer& seen);

}  // namespace logagent::selftest
