#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/delivery/budget.hpp"
#include "logagent/delivery/rate_limit.hpp"
#include "logagent/kafka/producer.hpp"
#include "logagent/kafka/topic_description.hpp"

namespace logagent::delivery {

/// One partition of one topic: how much is in flight there, and whether it takes anything.
class lane {
public:
    explicit lane(std::int32_t partition) noexcept : partition_{partition} {}

    std::int32_t partition() const noexcept { return partition_; }
    std::uint64_t in_flight() const noexcept { return in_flight_; }
    bool has_leader() const noexcept { return has_leader_; }
    /// The broker that leads it; empty while nobody does or it is not known yet.
    std::optional<std::int32_t> leader() const noexcept { return leader_; }

    /// A partition may hold at most as much of the budget as is still free, so one that takes
    /// nothing cannot starve the others: it ends up with half, a second one with a quarter, and so
    /// on.
    bool may_send(const budget& shared) const noexcept { return in_flight_ <= shared.free(); }

    void charge(std::uint64_t bytes) noexcept { in_flight_ += bytes; }
    void release(std::uint64_t bytes) noexcept { in_flight_ -= bytes; }

private:
    friend class topic;
    std::int32_t partition_;
    std::uint64_t in_flight_ = 0;
    bool has_leader_ = true;  // believed until the cluster says otherwise
    std::optional<std::int32_t> leader_;
};

/// What we know of one topic and what it does to those who send to it.
class topic {
public:
    enum class state : std::uint8_t {
        unknown,  // not described yet
        open,
        probation,  // was parked: the first run goes by the second producer and must arrive
        parked,     // takes nothing for a reason that may go away
    };

    topic(std::string name, kafka::topic_handle main, kafka::topic_handle careful)
        : name_{std::move(name)}, main_{main}, careful_{careful} {}

    const std::string& name() const noexcept { return name_; }
    kafka::topic_handle main_handle() const noexcept { return main_; }
    kafka::topic_handle careful_handle() const noexcept { return careful_; }
    state now() const noexcept { return state_; }
    bool open() const noexcept { return state_ == state::open || state_ == state::probation; }
    kafka::error reason() const noexcept { return reason_; }
    /// Somebody sends to it; nobody cares for what ails another one.
    bool wanted() const noexcept { return wanted_; }
    time_point since() const noexcept { return since_; }

    /// As of the last description; a topic made anew may have fewer than before.
    std::size_t partitions() const noexcept { return live_partitions_; }
    /// Null where the topic has no such partition (any more).
    lane* at(std::int32_t partition) noexcept;
    const std::deque<lane>& lanes() const noexcept { return lanes_; }

    /// Largest encoded record (key + value + overhead) that the topic takes; DESIGN 4.3.
    std::uint32_t record_limit() const noexcept { return record_limit_; }

    /// The cluster's answer. Returns whether sending may be possible now and was not before.
    bool described(const kafka::topic_description& answer, time_point now);
    /// A delivery failed with a code of class park.
    void park(kafka::error reason, time_point now);
    /// A run arrived while on probation.
    void proved() noexcept;

    /// When the cluster should be asked about it; soon while it is parked or a leader is missing.
    time_point describe_at() const noexcept { return describe_at_; }
    void asked(time_point now) noexcept;
    /// Something is slow here: ask at `when` unless it is asked earlier anyway.
    void describe_by(time_point when) noexcept;

    /// The partition that unordered records go to: one for a while, then the next one that has a
    /// leader, so that requests are few and full. Null: none has a leader.
    lane* sticky(time_point now, std::uint64_t bytes) noexcept;

private:
    friend class topic_table;
    std::string name_;
    bool wanted_ = true;
    kafka::topic_handle main_;
    kafka::topic_handle careful_;
    state state_ = state::unknown;
    kafka::error reason_ = kafka::error::none;
    time_point since_{};
    time_point describe_at_{};
    std::deque<lane>
        lanes_;  // index = partition; a deque keeps addresses when partitions are added
    std::size_t live_partitions_ = 0;
    std::uint32_t record_limit_ = 1'000'000;
    std::size_t sticky_ = 0;
    std::uint64_t sticky_bytes_ = 0;
    time_point sticky_until_{};
};

/// All topics by name.
class topic_table {
public:
    topic_table(kafka::producer& main, kafka::producer& careful) noexcept
        : main_{main}, careful_{careful} {}

    /// Makes it where there is none; it is wanted from here on.
    topic& get(std::string_view name);
    /// No topic is wanted until the next get().
    void want_none() noexcept;
    topic* find(std::string_view name) noexcept;

    /// Names to ask the cluster about now; each is marked as asked.
    std::vector<std::string> due(time_point now);
    time_point next_due() const noexcept;

    const std::map<std::string, std::unique_ptr<topic>, std::less<>>& all() const noexcept {
        return topics_;
    }

private:
    kafka::producer& main_;
    kafka::producer& careful_;
    std::map<std::string, std::unique_ptr<topic>, std::less<>> topics_;
};

}  // namespace logagent::delivery
