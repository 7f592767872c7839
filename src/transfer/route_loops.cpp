#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <set>

#include "logagent/base/log.hpp"
#include "route.hpp"

// What runs beside the records: commits, surveys, the flow, and what was refused.

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto commit_interval = 1s;
constexpr auto commit_patience = 10s;
constexpr auto survey_interval = 10s;
constexpr auto survey_pause = 1s;  // after one that somebody asked for
constexpr auto offer_interval = 30s;

}  // namespace

asio::awaitable<void> route::keep_committing() {
    asio::steady_timer timer{parts_.executor};
    for (;;) {
        timer.expires_after(commit_interval);
        co_await timer.async_wait(asio::use_awaitable);
        auto ours = lanes_.numbers();
        co_await commit_lanes(std::move(ours), clock::now() + commit_patience);
    }
}

asio::awaitable<void> route::commit_lanes(std::vector<lane> lanes, clock::time_point deadline) {
    if (in_runs_) co_return;  // the sink does it
    std::vector<kafka::group_consumer::position> at;
    std::vector<lane> asked;
    for (const auto number : lanes) {
        const auto* const one = lanes_.find(number);
        if (!one || one->acks.committable() == one->committed) continue;
        at.push_back(
            {one->partition, one->acks.committable(), to_text({one->topic_id, one->note})});
        asked.push_back(number);
    }
    if (at.empty()) co_return;
    const auto wanted = at;
    const auto answers = co_await consumer_->commit(std::move(at), deadline);
    std::map<kafka::partition_name, kafka::error> codes;
    for (const auto& one : answers)
        codes[one.partition] = one.code;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto answer = codes.find(wanted[i].partition);
        const bool good = answer != codes.end() && answer->second == kafka::error::none;
        if (auto* const one = lanes_.find(asked[i]); good && one) one->committed = wanted[i].offset;
        if (!good)
            LOGAGENT_LOG(warn, "transfer.commit",
                         "route " << how_.name << ": commit of " << wanted[i].partition.topic << "/"
                                  << wanted[i].partition.number << " at " << wanted[i].offset
                                  << ": "
                                  << (answer == codes.end() ? std::string{"no answer"}
                                                            : kafka::text(answer->second))
                                  << "; it is tried again");
    }
}

asio::awaitable<bool> route::commit(lane in, std::int64_t next, std::string metadata) {
    const auto* before = lanes_.find(in);
    // A record that was refused below it has to lie in the dead letter topic first.
    asio::steady_timer timer{parts_.executor};
    while (before && letters_pending_ > 0 && next > before->acks.committable()) {
        timer.expires_after(50ms);
        co_await timer.async_wait(asio::use_awaitable);
        before = lanes_.find(in);
    }
    if (!before) co_return false;
    std::vector<kafka::group_consumer::position> at;
    at.push_back({before->partition, next, to_text({before->topic_id, metadata})});
    const auto deadline = clock::now() + commit_patience;
    const auto answers = co_await consumer_->commit(std::move(at), deadline);
    const bool good = answers.size() == 1 && answers[0].code == kafka::error::none;
    auto* const one = lanes_.find(in);
    if (!one) co_return false;
    if (good) {
        one->committed = next;
        one->note = std::move(metadata);
        one->acks.settled_to(next);
    } else {
        LOGAGENT_LOG(warn, "transfer.commit",
                     "route " << how_.name << ": commit of " << one->partition.topic << "/"
                              << one->partition.number << " at " << next << ": "
                              << (answers.empty() ? std::string{"no answer"}
                                                  : kafka::text(answers[0].code)));
    }
    co_return good;
}

asio::awaitable<void> route::keep_surveying() {
    for (;;) {
        const auto next = clock::now() + survey_interval;
        co_await survey_.wait_until(next);
        co_await survey();
        asio::steady_timer timer{parts_.executor, survey_pause};
        co_await timer.async_wait(asio::use_awaitable);
    }
}

/// Where the logs end, and whether the topics are still the same.
asio::awaitable<void> route::survey() {
    std::vector<kafka::group_consumer::position> wanted;
    std::set<std::string> names;
    lanes_.each([&](const lane_state& one) {
        wanted.push_back({one.partition, -1, {}});
        names.insert(one.partition.topic);
    });
    if (wanted.empty()) co_return;
    const auto deadline = clock::now() + 5s;
    const auto ends = co_await consumer_->list_offsets(std::move(wanted), deadline);
    for (const auto& one : ends) {
        auto* const at = lanes_.find(one.partition.topic, one.partition.number);
        if (at && one.code == kafka::error::none) at->log_end = std::min(one.offset, at->stop_at);
    }
    std::vector<std::string> topics{names.begin(), names.end()};
    const auto described = co_await parts_.cluster.describe(std::move(topics), deadline);
    order anew{order::kind::made_anew, {}};
    for (const auto& topic : described)
        lanes_.each([&](const lane_state& one) {
            if (one.partition.topic == topic.topic && one.open && !topic.topic_id.empty() &&
                !one.topic_id.empty() && one.topic_id != topic.topic_id)
                anew.partitions.push_back(one.partition);
        });
    if (!ends.empty()) counted_.kafka_text.clear();  // it answers
    if (anew.partitions.empty() || overtaken()) co_return;
    orders_.push_back(std::move(anew));
    ordered_.notify();
}

bool route::caught_up() const {
    bool all = counted_.assigned && orders_.empty() && !obeying_;
    lanes_.each([&](const lane_state& one) {
        all = all && one.log_end >= 0 && one.acks.pending() == 0 &&
              one.acks.received_to() >= one.log_end;
    });
    return all;
}

/// Offers what was refused again, as long as the guard holds it.
asio::awaitable<void> route::keep_offering() {
    asio::steady_timer timer{parts_.executor};
    for (;;) {
        timer.expires_after(offer_interval);
        co_await timer.async_wait(asio::use_awaitable);
        if (held_.empty()) continue;
        guard_.reset();
        auto offered = std::exchange(held_, {});
        guard_text_.clear();
        for (auto& one : offered) {
            const auto* const in = lanes_.find(one.bad.in);
            if (in && in->open) sink_->take(std::move(one.bad));
        }
    }
}

void route::pause_all() {
    paused_ = true;
    ++counted_.pauses;
    lanes_.each([&](const lane_state& one) { consumer_->pause(one.partition); });
}

/// Called by whatever gives memory back, which may be anywhere.
void route::freed() {
    if (!paused_ || flow_told_ || stopping_ || memory_.held > most_memory_ / 2) return;
    flow_told_ = true;
    flow_.notify();
}

asio::awaitable<void> route::keep_flowing() {
    for (;;) {
        co_await flow_.wait();
        flow_told_ = false;
        if (!paused_ || stopping_ || memory_.held > most_memory_ / 2) continue;
        paused_ = false;
        lanes_.each([&](const lane_state& one) {
            if (one.open) consumer_->resume(one.partition);
        });
    }
}

}  // namespace logagent::transfer
