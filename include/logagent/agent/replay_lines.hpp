#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/error.hpp"
#include "logagent/checkpoint/state.hpp"
#include "logagent/tail/replay_plan.hpp"

namespace logagent::agent {

/// Counts of a replay. Bytes are those of the files, line ends included.
struct replay_figures {
    std::uint64_t bytes = 0;    // settled: acknowledged, or in another class of `counts`
    std::uint64_t records = 0;  // acknowledged by Kafka
    std::uint64_t refused_letters = 0;
    checkpoint::byte_counts counts{};

    replay_figures& operator+=(const replay_figures& more);
    bool operator==(const replay_figures&) const = default;
};

/// One line of what `logagent replay --by-command` prints: a JSON object, so that the agent, or a
/// script, can follow it.
struct replay_line {
    enum class kind : std::uint8_t {
        planned,  // first: what is going to be sent
        running,  // now and then
        done,     // last: everything was acknowledged
        stopped,  // last: somebody asked it to stop; `at` says how far it came
        failed,   // last
    };

    kind state = kind::running;
    // planned
    std::string topic;
    std::uint64_t bytes = 0;  // of the plan
    std::uint64_t lines = 0;  // about
    std::vector<std::string> notes;
    std::optional<tail::replay_point> end;  // planned; none = there is nothing to send
    // all others
    std::optional<tail::replay_point> at;  // everything before it is settled
    replay_figures figures;                // since this process began
    std::string waits_for;                 // running: what holds it up; empty = it flows
    // failed
    std::string code;
    std::string text;
};

/// Without a line end.
std::string write_replay_line(const replay_line& line);

/// Code "replay_line" if it is not what write_replay_line() makes.
base::result<replay_line> read_replay_line(std::string_view text);

}  // namespace logagent::agent
