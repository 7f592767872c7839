#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace logagent::transfer {

using time_point = std::chrono::steady_clock::time_point;

/// Up to where one partition may be committed: no further than the records before are final.
///
/// A record is final once its sink has accepted it, once it lies in the dead letter topic, or once
/// it was dropped as a resend. A hole holds the position until it is settled, whatever comes behind
/// it. Offsets may have gaps (compaction, markers of transactions): the next record is the next one
/// that was received, not the next number.
class ack_tracker {
public:
    /// `next`: the offset that reading begins at, and the position until something is settled.
    /// `in_runs`: records are settled by settled_to() alone, so that those that came within one
    /// second need the memory of one.
    explicit ack_tracker(std::int64_t next, bool in_runs = false) noexcept
        : committable_{next}, received_to_{next}, in_runs_{in_runs} {}

    /// A record came; offsets rise. False = not beyond what came before, so it is no new record.
    bool received(std::int64_t offset, std::uint32_t bytes, time_point now);

    /// The record came and is nobody's business; for runs, whose commits leave it to the next one.
    void passed(std::int64_t offset) noexcept { received_to_ = offset + 1; }

    /// The record is final. False = it is not pending: unknown, or settled before.
    bool settled(std::int64_t offset);
    /// All records before `next` are final.
    void settled_to(std::int64_t next);

    /// The offset to commit: of the first record that is not final, or behind the last one.
    std::int64_t committable() const noexcept { return committable_; }
    /// Everything that was received before it is final. Beyond committable() where the last records
    /// of runs were passed(): their commit comes with that of a later record.
    std::int64_t final_to() const noexcept { return pending_ == 0 ? received_to_ : committable_; }
    /// Behind the last record that was received.
    std::int64_t received_to() const noexcept { return received_to_; }

    std::size_t pending() const noexcept { return pending_; }
    std::uint64_t pending_bytes() const noexcept { return pending_bytes_; }
    /// When the oldest record that is not final came; time_point::max() = there is none.
    time_point oldest() const noexcept;

private:
    struct entry {
        std::int64_t offset;
        std::uint32_t records;
        std::uint64_t bytes;
        bool final;
        time_point came;
    };
    void drop_final();

    std::deque<entry> entries_;  // from the first that is not final
    std::int64_t committable_;
    std::int64_t received_to_;
    std::size_t pending_ = 0;
    std::uint64_t pending_bytes_ = 0;
    bool in_runs_;
};

}  // namespace logagent::transfer
