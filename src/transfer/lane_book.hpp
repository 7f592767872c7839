#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "logagent/transfer/ack_tracker.hpp"
#include "logagent/transfer/item.hpp"
#include "logagent/transfer/resend_filter.hpp"

namespace logagent::transfer {

/// What a route knows of one partition that is its own.
struct lane_state {
    lane number = 0;
    kafka::partition_name partition;
    std::string topic_id;
    std::int64_t next = 0;  // records before it only rebuild the filter
    resend_filter filter{0};
    ack_tracker acks{0};
    std::int64_t committed = -1;  // as the broker has it; -1 = nothing by us
    std::string note;             // of the sink, committed with it
    std::int64_t log_end = -1;    // behind the last record, when it was asked last; -1 = unknown
    std::int64_t stop_at = std::numeric_limits<std::int64_t>::max();  // not taken from here on
    bool open = true;  // false: what comes is left to the next owner
};

/// The lanes of a route, and what each record that comes is to them. Pure.
class lane_book {
public:
    enum class verdict : std::uint8_t {
        closed,    // not taken
        old,       // shown to the filter only: it was settled before
        repeated,  // dropped as sent twice; final
        back,      // an offset that was seen: either the same again, or another life of the topic
        fresh,     // for the sink
    };

    /// The lane begins. Nothing of the same partition may be there.
    lane_state& begin(lane_state first);
    void end(lane number);

    lane_state* find(lane number) noexcept;
    lane_state* find(std::string_view topic, std::int32_t partition) noexcept;

    /// Takes a record into account. `in_runs`: the sink settles by offset. `foreign`: it is none of
    /// this route's, and dropped like one that is repeated.
    static verdict took(lane_state& in, std::int64_t offset, std::string_view key,
                        std::uint32_t bytes, bool in_runs, time_point now, bool foreign = false);

    std::vector<lane> numbers() const;  // in order
    std::size_t size() const noexcept { return lanes_.size(); }
    std::size_t pending() const noexcept;

    template <class Visit>
    void each(const Visit& visit) const {
        for (const auto& one : lanes_)
            visit(*one);
    }
    template <class Visit>
    void each(const Visit& visit) {
        for (const auto& one : lanes_)
            visit(*one);
    }

private:
    std::vector<std::unique_ptr<lane_state>> lanes_;  // by number
    lane_state* last_ = nullptr;                      // records come in runs of one partition
    lane_state* last_number_ = nullptr;
};

}  // namespace logagent::transfer
