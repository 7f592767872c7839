#include "logagent/transfer/ack_tracker.hpp"

#include <algorithm>

namespace logagent::transfer {

bool ack_tracker::received(std::int64_t offset, std::uint32_t bytes, time_point now) {
    if (offset < received_to_) return false;
    // What lies between was never delivered to us, so it is nobody's hole.
    if (entries_.empty()) committable_ = offset;
    received_to_ = offset + 1;
    entries_.push_back({offset, bytes, false, now});
    ++pending_;
    pending_bytes_ += bytes;
    return true;
}

bool ack_tracker::settled(std::int64_t offset) {
    const auto found =
        std::lower_bound(entries_.begin(), entries_.end(), offset,
                         [](const entry& one, std::int64_t wanted) { return one.offset < wanted; });
    if (found == entries_.end() || found->offset != offset || found->final) return false;
    found->final = true;
    --pending_;
    pending_bytes_ -= found->bytes;
    while (!entries_.empty() && entries_.front().final)
        entries_.pop_front();
    committable_ = entries_.empty() ? received_to_ : entries_.front().offset;
    return true;
}

time_point ack_tracker::oldest() const noexcept {
    return entries_.empty() ? time_point::max() : entries_.front().came;
}

}  // namespace logagent::transfer
