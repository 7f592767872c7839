#include "transfer/hdfs_ranges.hpp"

namespace logagent::transfer {

hdfs_ranges::hdfs_ranges(std::int64_t next, std::optional<offset_range> intent) : first_{next} {
    // Kafka may have lost the front of the range (retention), never all of it and yet go on in it.
    if (!intent || next > intent->last) return;
    first_ = intent->first;
    repeat_last_ = intent->last;
}

bool hdfs_ranges::add(std::int64_t offset) noexcept {
    if (first_ < 0) first_ = offset;
    last_ = offset;
    return repeat_last_ && offset == *repeat_last_;
}

offset_range hdfs_ranges::close() noexcept {
    const offset_range closed{first_, repeat_last_.value_or(last_)};
    repeat_last_.reset();
    first_ = closed.last + 1;
    return closed;
}

}  // namespace logagent::transfer
