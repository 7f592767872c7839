#pragma once

#include <cstdint>
#include <string>

#include "logagent/agent/replay.hpp"

namespace logagent::cli {

/// How many lines the plan holds, guessed from the beginning of each range.
std::uint64_t estimate_lines(const tail::replay_plan& plan);

/// The table of what is to be sent, the estimate below it, and what is to be known about it.
std::string replay_plan_text(const agent::replay_job& job, const std::string& origin,
                             std::uint64_t lines, const std::vector<std::string>& notes);

/// One line, at most `width` characters: a bar, bytes, records, the time that is left.
std::string replay_bar(const agent::replay_progress& now, std::uint64_t total, double seconds,
                       const std::string& waiting_for, std::size_t width);

/// What became of it, with exact counts.
std::string replay_result_text(const agent::replay& which, agent::replay::outcome outcome,
                               double seconds);

}  // namespace logagent::cli
