#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "logagent/transfer/item.hpp"

namespace logagent::transfer {

/// Records that go, or went, in one request.
struct batch {
    using time_point = std::chrono::steady_clock::time_point;

    std::vector<item> items;
    unsigned attempts = 0;          // requests that held these records and did not settle them
    time_point due{};               // not before
    bool waits_for_person = false;  // until somebody opens, unlocks or allows something
};

/// What waits to be sent: new records until a batch of them is full or old enough, and batches that
/// go again. Pure.
class outbox {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct limits {
        std::uint32_t records = 0;
        std::uint64_t bytes = 0;  // of keys and values
    };

    outbox(std::chrono::milliseconds age) : age_{age} {}

    void add(item next, time_point now);
    void again(batch what);
    /// What is here now need not wait for more.
    void hurry() { hurried_ = fresh_.size(); }

    /// A batch to send, within the limits but of one record at least; nothing while all have to
    /// wait.
    std::optional<batch> take(limits most, time_point now);
    /// When take() may give something; max() = not before something is added.
    time_point next(limits most) const;

    /// Forgets the records of a lane.
    void drop(lane in);

    bool empty() const { return fresh_.empty() && again_.empty(); }
    bool waits_for_person() const;

private:
    struct fresh_item {
        item what;
        time_point came;
    };

    static std::uint64_t bytes_of(const item& one) {
        return one.record.key.size() + one.record.value.size();
    }
    bool full(limits most) const {
        return fresh_.size() >= most.records || fresh_bytes_ >= most.bytes;
    }
    batch take_fresh(limits most);
    batch take_again(std::size_t at, limits most);

    std::chrono::milliseconds age_;
    std::deque<fresh_item> fresh_;
    std::uint64_t fresh_bytes_ = 0;
    std::size_t hurried_ = 0;  // of fresh_, from its front
    std::vector<batch> again_;
};

}  // namespace logagent::transfer
