#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "logagent/checkpoint/state.hpp"
#include "logagent/os/disk.hpp"
#include "logagent/tail/line_time.hpp"

namespace logagent::tail {

/// Milliseconds since the epoch; `until` itself is outside. Absent: without bound.
struct time_span {
    std::optional<std::int64_t> since;
    std::optional<std::int64_t> until;

    bool holds(std::int64_t ms) const noexcept {
        return (!since || ms >= *since) && (!until || ms < *until);
    }
};

/// What lies within a span of time in one file.
struct time_finding {
    int error = 0;  // errno of a read that failed; then the rest means nothing
    std::vector<checkpoint::range> ranges;  // whole lines; sorted, neighbours joined
    time_format format = time_format::none;
    bool sorted = true;  // false, or the file cannot be sought in: every line was looked at
    std::uint64_t unstamped = 0;  // bytes before the first line with a stamp; never selected
};

/// How far stamps may lie out of order before a file counts as not sorted: servers write a line
/// when a request ends, and workers overtake each other.
inline constexpr std::int64_t time_slack_ms = 60'000;

/// Selects the lines of [0, end) by their own time stamps. A line without one belongs to the line
/// before it, as stack traces do.
///
/// Where samples over the whole file are in order, the bounds are found by binary search, and only
/// what lies within time_slack_ms of them is judged line by line; otherwise every line is judged.
/// `seekable` false: a packed file, read once from its start.
time_finding find_times(const os::file& file, std::uint64_t end, bool seekable,
                        const time_span& span, std::int64_t modified_ms);

}  // namespace logagent::tail
