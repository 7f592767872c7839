#pragma once

#include <cstdint>
#include <optional>

#include "transfer/hdfs_layout.hpp"

namespace logagent::transfer {

/// Which offsets of a partition make a range, whose files are published together.
///
/// Ranges follow one another without gaps: each begins behind the last offset of the one before it,
/// also where Kafka has no record of that offset. A partition that begins with an intent makes the
/// range of the intent first, neither more nor less.
class hdfs_ranges {
public:
    /// `next`: the first offset that will come; below 0 = the first record tells.
    hdfs_ranges(std::int64_t next, std::optional<offset_range> intent);

    /// The range that is being gathered is one that was begun before.
    bool repeating() const noexcept { return repeat_last_.has_value(); }

    /// The record at `offset` is the first one behind the range: close() before it is added.
    bool beyond(std::int64_t offset) const noexcept {
        return repeat_last_ && offset > *repeat_last_;
    }

    /// A record goes into the range. True = it is the last one of a range that is repeated.
    bool add(std::int64_t offset) noexcept;

    /// Ends the range and begins the next one. A repeated one ends at its intent's last offset,
    /// another one at its last record; it needs one.
    offset_range close() noexcept;

private:
    std::int64_t first_;
    std::int64_t last_ = -1;
    std::optional<std::int64_t> repeat_last_;
};

}  // namespace logagent::transfer
