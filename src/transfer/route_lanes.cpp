#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <set>

#include "logagent/base/log.hpp"
#include "route.hpp"

// How partitions come and go.

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto question_patience = 15s;
constexpr auto commit_patience = 5s;

constexpr std::int64_t oldest_of_log = -2;
constexpr std::int64_t end_of_log = -1;

std::string text_of(const kafka::partition_name& one) {
    return one.topic + "/" + std::to_string(one.number);
}

}  // namespace

void route::assigned(const std::vector<kafka::partition_name>& partitions) {
    orders_.push_back({order::kind::assign, partitions});
    ordered_.notify();
}

void route::revoked(const std::vector<kafka::partition_name>& partitions, bool lost) {
    orders_.push_back({order::kind::revoke, partitions, lost});
    ordered_.notify();
}

asio::awaitable<void> route::obey() {
    for (;;) {
        while (orders_.empty())
            co_await ordered_.wait();
        auto next = std::move(orders_.front());
        orders_.pop_front();
        obeying_ = true;
        ++counted_.rebalances;
        if (next.what == order::kind::assign)
            co_await take_over(std::move(next.partitions));
        else if (next.what == order::kind::revoke)
            co_await give_up(std::move(next));
        else
            co_await begin_anew(std::move(next.partitions));
        obeying_ = false;
        progress_.notify();
    }
}

/// Whether partitions that are being taken over go away again.
bool route::overtaken() const {
    return stopping_ || std::any_of(orders_.begin(), orders_.end(), [](const order& one) {
               return one.what == order::kind::revoke;
           });
}

asio::awaitable<void> route::take_over(std::vector<kafka::partition_name> partitions) {
    // The group waits for begin() also when there is nothing to begin with.
    bool begun = false;
    while (!begun && !overtaken()) {
        std::vector<planned> found;
        if (!partitions.empty()) found = co_await plan(partitions);
        begun = found.size() == partitions.size();
        if (begun) {
            begin(found);
            break;
        }
        const auto next_try = clock::now() + pause_.next();
        co_await ordered_.wait_until(next_try);
    }
    if (!begun) {
        // The group waits for this answer, also when the partitions go away again at once. Nothing
        // of them is taken, since they have no lane.
        std::vector<kafka::group_consumer::position> at;
        for (auto& one : partitions)
            at.push_back({std::move(one), oldest_of_log, {}});
        consumer_->start(at);
        co_return;
    }
    counted_.assigned = true;
    survey_.notify();
}

/// Where each partition begins; shorter than `partitions` when something could not be learned.
asio::awaitable<std::vector<route::planned>> route::plan(
    std::vector<kafka::partition_name> partitions) {
    std::vector<planned> out;
    std::vector<partition_facts> facts(partitions.size());
    const auto deadline = clock::now() + question_patience;
    bool known = co_await learn_topics(facts, partitions, deadline);
    if (known) known = co_await learn_offsets(facts, partitions, deadline);
    if (!known) co_return out;
    if (how_.from.at != start_point::kind::earliest) {
        known = co_await fix_start(facts, partitions, deadline);
        if (!known) co_return out;
    }
    for (std::size_t at = 0; at < partitions.size(); ++at)
        out.push_back(
            {std::move(partitions[at]), facts[at].topic_id, choose_start(facts[at], how_.from)});
    co_return out;
}

asio::awaitable<bool> route::learn_topics(std::vector<partition_facts>& facts,
                                          const std::vector<kafka::partition_name>& partitions,
                                          clock::time_point deadline) {
    std::set<std::string> names;
    for (const auto& one : partitions)
        names.insert(one.topic);
    std::vector<std::string> asked{names.begin(), names.end()};
    const auto described = co_await parts_.cluster.describe(asked, deadline);
    std::map<std::string, const kafka::topic_description*> topics;
    std::vector<kafka::partition_name> all;
    for (const auto& one : described) {
        if (one.code != kafka::error::none) {
            counted_.kafka_text = "topic " + one.topic + ": " + kafka::text(one.code);
            co_return false;
        }
        topics[one.topic] = &one;
        for (const auto& part : one.partitions)
            all.push_back({one.topic, part.id});
    }
    const auto committed = co_await consumer_->committed(all, deadline);
    if (committed.size() < all.size()) co_return false;
    std::map<kafka::partition_name, const kafka::committed_offset*> offsets;
    std::set<std::string> known_topics;
    for (const auto& one : committed) {
        if (one.code != kafka::error::none) {
            counted_.kafka_text = text_of(one.partition) + ": " + kafka::text(one.code);
            co_return false;
        }
        offsets[one.partition] = &one;
        const auto note = read_commit_note(one.metadata);
        const auto& id = topics[one.partition.topic]->topic_id;
        if (one.offset >= 0 && (note.topic_id.empty() || id.empty() || note.topic_id == id))
            known_topics.insert(one.partition.topic);
    }
    for (std::size_t at = 0; at < partitions.size(); ++at) {
        facts[at].topic_id = topics[partitions[at].topic]->topic_id;
        facts[at].group_knows_topic = known_topics.contains(partitions[at].topic);
        const auto found = offsets.find(partitions[at]);
        if (found == offsets.end()) continue;  // a partition that is just being made
        facts[at].committed = found->second->offset;
        facts[at].note = read_commit_note(found->second->metadata);
    }
    co_return true;
}

asio::awaitable<bool> route::learn_offsets(std::vector<partition_facts>& facts,
                                           const std::vector<kafka::partition_name>& partitions,
                                           clock::time_point deadline) {
    std::vector<std::int64_t> questions{oldest_of_log, end_of_log};
    if (how_.from.at == start_point::kind::time) questions.push_back(how_.from.time_ms);
    for (const auto question : questions) {
        std::vector<kafka::group_consumer::position> wanted;
        for (const auto& one : partitions)
            wanted.push_back({one, question, {}});
        const auto listed = co_await consumer_->list_offsets(std::move(wanted), deadline);
        std::map<kafka::partition_name, std::int64_t> found;
        for (const auto& one : listed)
            if (one.code == kafka::error::none) found[one.partition] = one.offset;
        for (std::size_t at = 0; at < partitions.size(); ++at) {
            const auto answer = found.find(partitions[at]);
            if (answer == found.end()) co_return false;
            auto& fact = facts[at];
            (question == oldest_of_log ? fact.oldest
             : question == end_of_log  ? fact.newest
                                       : fact.at_time) = answer->second;
        }
    }
    co_return true;
}

/// Commits where the group begins for all partitions of topics that it has never read: what another
/// member takes over a moment later is no partition that was added.
asio::awaitable<bool> route::fix_start(std::vector<partition_facts>& facts,
                                       const std::vector<kafka::partition_name>& partitions,
                                       clock::time_point deadline) {
    std::map<std::string, std::string> topics;  // -> id
    for (std::size_t at = 0; at < facts.size(); ++at)
        if (choose_start(facts[at], how_.from).chosen)
            topics[partitions[at].topic] = facts[at].topic_id;
    std::vector<std::string> names;
    for (const auto& [topic, id] : topics)
        names.push_back(topic);
    if (names.empty()) co_return true;
    const auto described = co_await parts_.cluster.describe(names, deadline);
    std::vector<kafka::partition_name> all;
    for (const auto& one : described)
        for (const auto& part : one.partitions)
            all.push_back({one.topic, part.id});
    std::vector<partition_facts> of_all(all.size());
    const bool known = co_await learn_offsets(of_all, all, deadline);
    if (!known) co_return false;
    std::vector<kafka::group_consumer::position> at;
    for (std::size_t i = 0; i < all.size(); ++i)
        at.push_back(
            {all[i], choose_start(of_all[i], how_.from).next, to_text({topics[all[i].topic], {}})});
    const auto done = co_await consumer_->commit(at, deadline);
    if (done.size() < at.size()) co_return false;
    // What was committed is what holds, also when records came meanwhile.
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t own = 0; own < partitions.size(); ++own)
            if (partitions[own] == all[i]) {
                facts[own].committed = at[i].offset;
                facts[own].note = {topics[all[i].topic], {}};
            }
    co_return true;
}

void route::begin(const std::vector<planned>& from) {
    std::vector<kafka::group_consumer::position> at;
    for (const auto& one : from) {
        const auto& start = one.start;
        if (start.lost > 0) {
            counted_.lost_to_retention += start.lost;
            LOGAGENT_LOG(error, "transfer.retention",
                         "route " << how_.name << ": " << text_of(one.partition) << ": "
                                  << start.lost << " offsets were deleted by the topic's retention "
                                  << "before they were read; reading goes on at " << start.next);
        }
        if (start.topic_made_anew)
            LOGAGENT_LOG(warn, "transfer.made_anew",
                         "route " << how_.name << ": " << text_of(one.partition)
                                  << " was deleted and made anew; it is read from its beginning");
        lane_state first;
        first.number = ++parts_.last_lane;
        first.partition = one.partition;
        first.topic_id = one.topic_id;
        first.next = start.next;
        first.filter = resend_filter{how_.dedupe_records};
        first.acks = ack_tracker{start.next, in_runs_};
        first.committed = start.chosen || start.topic_made_anew ? -1 : start.next;
        first.note = start.sink_note;
        // Letters that are refused again go to the end of the topic, and are for another day.
        if (!how_.letters_of.empty()) first.stop_at = first.log_end = start.newest;
        const auto& begun = lanes_.begin(std::move(first));
        sink_->begin({begun.number, one.partition, one.topic_id, start.next, start.sink_note});
        at.push_back({one.partition, begun.filter.rebuild_from(start.next), {}});
        LOGAGENT_LOG(info, "transfer.assigned",
                     "route " << how_.name << ": " << text_of(one.partition) << " from offset "
                              << start.next);
    }
    consumer_->start(at);
    for (const auto& one : from) {
        if (paused_)
            consumer_->pause(one.partition);
        else
            consumer_->resume(one.partition);  // it may have been ours before, and paused then
    }
}

std::vector<lane> route::lanes_of(const std::vector<kafka::partition_name>& partitions) {
    std::vector<lane> out;
    for (const auto& one : partitions)
        if (const auto* found = lanes_.find(one.topic, one.number)) out.push_back(found->number);
    return out;
}

asio::awaitable<void> route::give_up(order what) {
    const auto numbers = lanes_of(what.partitions);
    for (const auto number : numbers)
        lanes_.find(number)->open = false;
    if (!what.lost && !numbers.empty()) {
        auto deadline = clock::now() + how_.drain_timeout;
        if (stopping_) deadline = std::min(deadline, stop_deadline_);
        co_await finish(numbers, deadline);
    }
    for (const auto number : numbers)
        drop(number);
    consumer_->release(what.partitions);
    if (numbers.empty()) co_return;
    LOGAGENT_LOG(info, "transfer.revoked",
                 "route " << how_.name << ": " << what.partitions.size() << " partitions "
                          << (what.lost ? "were lost to another member" : "go to another member"));
}

/// A topic was deleted and made anew while its partitions are ours.
asio::awaitable<void> route::begin_anew(std::vector<kafka::partition_name> partitions) {
    for (const auto number : lanes_of(partitions))
        drop(number);
    std::vector<planned> found;
    while (!overtaken()) {
        found = co_await plan(partitions);
        if (found.size() == partitions.size()) break;
        found.clear();
        const auto next_try = clock::now() + pause_.next();
        co_await ordered_.wait_until(next_try);
    }
    if (found.empty()) co_return;  // what comes next takes them away
    consumer_->release(partitions);
    begin(found);
}

/// Brings what was read of these lanes, which are closed, to its end, as far as that goes.
asio::awaitable<void> route::finish(std::vector<lane> lanes, clock::time_point deadline) {
    const auto cut_short = [&] {
        return failure_ || (stopping_ && clock::now() >= stop_deadline_);
    };
    // Beside this, so that a stop that comes nearer cuts it short; it ends with the other tasks.
    const auto done = std::make_shared<bool>(false);
    spawn(drain(lanes, deadline, done));
    while (!*done && !cut_short()) {
        const auto look = clock::now() + 100ms;
        co_await progress_.wait_until(look);
    }
    const auto pending = [&] {
        return std::any_of(lanes.begin(), lanes.end(), [&](lane number) {
            const auto* const one = lanes_.find(number);
            return one && one->acks.pending() > 0;
        });
    };
    // Dead letters are still on their way.
    while (letters_pending_ > 0 && pending() && clock::now() < deadline && !cut_short()) {
        const auto look = std::min(deadline, clock::now() + 100ms);
        co_await progress_.wait_until(look);
    }
    co_await commit_lanes(lanes, clock::now() + commit_patience);
}

asio::awaitable<void> route::drain(std::vector<lane> lanes, clock::time_point deadline,
                                   std::shared_ptr<bool> done) {
    co_await sink_->drain(std::move(lanes), deadline);
    *done = true;
    progress_.notify();
}

void route::drop(lane number) {
    sink_->end(number);
    std::erase_if(held_, [&](const held_item& one) { return one.bad.in == number; });
    lanes_.end(number);
}

}  // namespace logagent::transfer
