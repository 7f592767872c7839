#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "transfer/hdfs_layout.hpp"

namespace logagent::transfer {

/// Hours [first, end), and up to where they are marked then; end 0 = that is not known yet.
struct hdfs_hours {
    utc_hour first = 0;
    utc_hour end = 0;
    bool operator==(const hdfs_hours&) const = default;
};

/// The hours that a partition is through with, once everything up to a record of Kafka's time
/// `time_ms` is published: those that ended five minutes before it. `marked`: hours before it have
/// their marker; unknown at the very beginning, when nothing is marked. Kafka's time is when a
/// record was read from its file, so it hardly goes back; one from the future says nothing. At most
/// the last 48 hours are marked, after a longer silence.
inline hdfs_hours hours_to_mark(std::optional<utc_hour> marked, std::int64_t time_ms,
                                std::int64_t wall_ms) noexcept {
    constexpr std::int64_t grace_ms = 5 * 60'000;
    constexpr utc_hour most = 48;
    const utc_hour before = marked.value_or(0);
    if (time_ms < grace_ms || time_ms > wall_ms + grace_ms) return {before, before};
    const utc_hour end = hour_of(time_ms - grace_ms);
    if (!marked) return {end, end};
    return {std::clamp(end - most, before, std::max(before, end)), std::max(before, end)};
}

}  // namespace logagent::transfer
