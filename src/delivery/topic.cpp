#include "logagent/delivery/topic.hpp"

#include <algorithm>

namespace logagent::delivery {

namespace {

using namespace std::chrono_literals;

constexpr auto ask_again_healthy = 60s;
constexpr auto ask_again_parked = 2s;
// An unanswered question is repeated; the answer moves describe_at again.
constexpr auto ask_again_unanswered = 10s;
constexpr auto sticky_time = 50ms;
constexpr std::uint64_t sticky_bytes = 512 * 1024;

// Room for the record's own framing and for brokers that count a little differently (DESIGN 4.3).
constexpr std::uint32_t limit_slack = 128;

}  // namespace

lane* topic::at(std::int32_t partition) noexcept {
    if (partition < 0 || static_cast<std::size_t>(partition) >= live_partitions_) return nullptr;
    return &lanes_[static_cast<std::size_t>(partition)];
}

bool topic::described(const kafka::topic_description& answer, time_point now) {
    const bool was_open = open();
    bool leader_came = false;
    bool all_lead = true;
    if (answer.code != kafka::error::none || answer.partitions.empty()) {
        const auto code = answer.code == kafka::error::none
                              ? kafka::error::unknown_topic_or_partition
                              : answer.code;
        // Being unable to ask says nothing about the topic.
        if (code == kafka::error::timed_out || code == kafka::error::transport ||
            code == kafka::error::all_brokers_down) {
            describe_at_ = now + ask_again_parked;
            return false;
        }
        park(code, now);
        describe_at_ = now + ask_again_parked;
        return false;
    }
    for (const auto& each : answer.partitions) {
        if (each.id < 0) continue;
        const bool added = static_cast<std::size_t>(each.id) >= live_partitions_;
        while (lanes_.size() <= static_cast<std::size_t>(each.id))
            lanes_.emplace_back(static_cast<std::int32_t>(lanes_.size()));
        lane& described = lanes_[static_cast<std::size_t>(each.id)];
        const bool leads = each.leader >= 0;
        leader_came = leader_came || (leads && (added || !described.has_leader_));
        described.has_leader_ = leads;
        described.leader_ = leads ? std::optional{each.leader} : std::nullopt;
        all_lead = all_lead && leads;
    }
    live_partitions_ = static_cast<std::size_t>(answer.partitions.back().id) + 1;
    if (answer.max_message_bytes)
        record_limit_ =
            std::max<std::uint32_t>(*answer.max_message_bytes, 2 * limit_slack) - limit_slack;
    if (state_ == state::unknown) {
        state_ = state::open;
        since_ = now;
    } else if (state_ == state::parked) {
        state_ = state::probation;
        since_ = now;
    }
    describe_at_ = now + (all_lead ? ask_again_healthy : ask_again_parked);
    return leader_came || !was_open;
}

void topic::park(kafka::error reason, time_point now) {
    if (state_ != state::parked) since_ = now;
    state_ = state::parked;
    reason_ = reason;
    describe_by(now + ask_again_parked);
}

void topic::proved() noexcept {
    if (state_ != state::probation) return;
    state_ = state::open;
    reason_ = kafka::error::none;
}

void topic::asked(time_point now) noexcept {
    describe_at_ = now + ask_again_unanswered;
}

void topic::describe_by(time_point when) noexcept {
    describe_at_ = std::min(describe_at_, when);
}

lane* topic::sticky(time_point now, std::uint64_t bytes) noexcept {
    if (live_partitions_ == 0) return nullptr;
    const bool over = now >= sticky_until_ || sticky_bytes_ >= sticky_bytes;
    if (over || sticky_ >= live_partitions_ || !lanes_[sticky_].has_leader_) {
        for (std::size_t tried = 0; tried < live_partitions_; ++tried) {
            sticky_ = (sticky_ + 1) % live_partitions_;
            if (lanes_[sticky_].has_leader_) break;
        }
        if (!lanes_[sticky_].has_leader_) return nullptr;
        sticky_until_ = now + sticky_time;
        sticky_bytes_ = 0;
    }
    sticky_bytes_ += bytes;
    return &lanes_[sticky_];
}

topic& topic_table::get(std::string_view name) {
    if (topic* const known = find(name)) {
        known->wanted_ = true;
        return *known;
    }
    auto added =
        std::make_unique<topic>(std::string{name}, main_.topic(name), careful_.topic(name));
    return *topics_.emplace(std::string{name}, std::move(added)).first->second;
}

void topic_table::want_none() noexcept {
    for (const auto& [name, each] : topics_)
        each->wanted_ = false;
}

topic* topic_table::find(std::string_view name) noexcept {
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : found->second.get();
}

std::vector<std::string> topic_table::due(time_point now) {
    std::vector<std::string> names;
    for (auto& [name, each] : topics_) {
        if (!each->wanted() || each->describe_at() > now) continue;
        each->asked(now);
        names.push_back(name);
    }
    return names;
}

time_point topic_table::next_due() const noexcept {
    auto earliest = time_point::max();
    for (const auto& [name, each] : topics_)
        if (each->wanted()) earliest = std::min(earliest, each->describe_at());
    return earliest;
}

}  // namespace logagent::delivery
