#include "logagent/transfer/ack_tracker.hpp"

#include <algorithm>

namespace logagent::transfer {

bool ack_tracker::received(std::int64_t offset, std::uint32_t bytes, time_point now) {
    if (offset < received_to_) return false;
    // What lies between was never delivered to us, so it is nobody's hole.
    if (entries_.empty() && !in_runs_) committable_ = offset;
    received_to_ = offset + 1;
    ++pending_;
    pending_bytes_ += bytes;
    if (in_runs_ && !entries_.empty() && now - entries_.back().came < std::chrono::seconds{1}) {
        entry& run = entries_.back();
        run.offset = offset;
        ++run.records;
        run.bytes += bytes;
        return true;
    }
    entries_.push_back({offset, 1, bytes, false, now});
    return true;
}

bool ack_tracker::settled(std::int64_t offset) {
    if (entries_.empty()) return false;
    // Where it is if no offset is missing; otherwise somewhere before.
    const auto distance = offset - entries_.front().offset;
    if (distance < 0) return false;
    auto found =
        entries_.begin() + std::min(distance, static_cast<std::int64_t>(entries_.size()) - 1);
    if (found->offset != offset)
        found = std::lower_bound(
            entries_.begin(), entries_.end(), offset,
            [](const entry& one, std::int64_t wanted) { return one.offset < wanted; });
    if (found == entries_.end() || found->offset != offset || found->final) return false;
    found->final = true;
    --pending_;
    pending_bytes_ -= found->bytes;
    drop_final();
    return true;
}

void ack_tracker::settled_to(std::int64_t next) {
    for (auto& one : entries_) {
        if (one.offset >= next) break;  // of a run: its last one, so the run is pending as a whole
        if (one.final) continue;
        one.final = true;
        pending_ -= one.records;
        pending_bytes_ -= one.bytes;
    }
    drop_final();
    if (in_runs_ && next > committable_) committable_ = std::min(next, received_to_);
}

void ack_tracker::drop_final() {
    while (!entries_.empty() && entries_.front().final)
        entries_.pop_front();
    if (in_runs_) return;
    committable_ = entries_.empty() ? received_to_ : entries_.front().offset;
}

time_point ack_tracker::oldest() const noexcept {
    return entries_.empty() ? time_point::max() : entries_.front().came;
}

}  // namespace logagent::transfer
