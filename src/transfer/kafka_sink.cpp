#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <list>
#include <map>
#include <random>

#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/delivery/retry_class.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/transfer/sink.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t most_of_a_call = 500;
constexpr std::uint32_t record_room = 128;  // of a batch beside the records
constexpr auto describe_interval = 30s;
constexpr auto describe_patience = 5s;
constexpr auto retry_pause = 1s;

kafka::settings settings_of(const sink_settings& where) {
    std::string brokers;
    for (const auto& one : where.kafka_addr)
        brokers += (brokers.empty() ? "" : ",") + one;
    auto read = kafka::read_settings(brokers, where.kafka, http::default_ca_file());
    if (!read.errors.empty())
        throw base::problem_error{{"kafka", read.errors[0].key + ": " + read.errors[0].reason}};
    return std::move(read.value);
}

kafka::producer_options options_for(dns::resolver& names) {
    kafka::producer_options out;
    out.seed = std::random_device{}();
    out.look_up = [&names](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        const auto deadline = clock::now() + 5s;
        auto found = co_await names.resolve(std::move(host), deadline);
        co_return std::move(found.addresses);
    };
    return out;
}

/// Writes records as they are, key and value, into a topic, with an idempotent producer. What is in
/// one partition of the source stays together and in order: it goes to the partition with that
/// number, modulo the count of the target's.
class kafka_sink final : public sink, public kafka::delivery_listener {
public:
    kafka_sink(sink_parts parts, const sink_settings& where, const sink_options& how);
    ~kafka_sink() override { producer_.reset(); }  // it reads what the batches hold

    asio::awaitable<void> run() override;
    void take(item next) override;
    asio::awaitable<void> drain(std::vector<lane> lanes, clock::time_point deadline) override;
    void end(lane in) override;
    sink_figures figures() const override;

private:
    /// Records that were produced by one call.
    struct batch {
        std::vector<item> items;
        std::size_t open = 0;  // not reported yet
        std::map<const char*, kafka::error> failed;
        std::list<batch>::iterator self;
    };

    void delivered(void* of, std::uint32_t count) override;
    void failed(void* of, const char* value, kafka::error code, bool possibly_stored) override;
    void abandoned() override;

    asio::awaitable<void> send_all(const async::task_group& others);
    asio::awaitable<void> learn();
    void send_some();
    bool send_run(std::size_t count, std::int32_t partition);
    void reported(batch& of, std::size_t count);
    void settle(batch& of);
    void trouble(std::string text);
    bool has(const std::vector<lane>& lanes) const;

    sink_parts parts_;
    std::string topic_;
    std::unique_ptr<kafka::live_producer> producer_;
    kafka::topic_handle handle_ = 0;
    std::int32_t partitions_ = 0;  // of the target; 0 = not known
    async::event work_;
    async::event progress_;
    std::deque<item> waiting_;
    std::size_t alone_ = 0;  // of these, so many from the front are sent one by one
    std::list<batch> out_;
    std::vector<lane> ended_;       // whose records are dropped when they come back
    clock::time_point not_before_;  // after a failure
    sink_figures counted_;
};

kafka_sink::kafka_sink(sink_parts parts, const sink_settings& where, const sink_options& how)
    : parts_{std::move(parts)},
      topic_{how.topic},
      producer_{
          kafka::create_producer(parts_.executor, settings_of(where), options_for(parts_.names))},
      work_{parts_.executor},
      progress_{parts_.executor} {
    producer_->listen(*this);
    handle_ = producer_->topic(topic_);
}

void kafka_sink::take(item next) {
    waiting_.push_back(std::move(next));
    if (waiting_.size() == 1) work_.notify();
}

asio::awaitable<void> kafka_sink::run() {
    async::task_group tasks{parts_.executor};
    tasks.spawn(producer_->run());
    tasks.spawn(learn());
    std::exception_ptr ended;
    try {
        co_await send_all(tasks);
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto failure = co_await tasks.join();
    std::rethrow_exception(failure ? failure : ended);
}

asio::awaitable<void> kafka_sink::learn() {
    asio::steady_timer timer{parts_.executor};
    for (;;) {
        std::vector<std::string> names{topic_};
        const auto deadline = clock::now() + describe_patience;
        const auto found = co_await producer_->describe(std::move(names), deadline);
        const bool good = found[0].code == kafka::error::none && !found[0].partitions.empty();
        if (good) {
            partitions_ = static_cast<std::int32_t>(found[0].partitions.size());
            if (found[0].max_message_bytes)
                producer_->limit_batch_bytes(*found[0].max_message_bytes - record_room);
            if (!counted_.stalled.empty() && out_.empty()) trouble({});
            work_.notify();
        } else {
            trouble("topic " + topic_ + " cannot be written: " + kafka::text(found[0].code) +
                    "; make it, or allow this user to write it");
        }
        timer.expires_after(good ? clock::duration{describe_interval} : retry_pause);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> kafka_sink::send_all(const async::task_group& others) {
    while (!others.empty()) {
        send_some();
        const bool idle = waiting_.empty() || partitions_ == 0;
        const auto soon = std::max(not_before_, clock::now() + 10ms);
        const auto next_look = idle ? clock::now() + 1s : soon;
        co_await work_.wait_until(next_look);
    }
    throw std::runtime_error{"a task of the producer ended"};
}

/// Gives the producer what it takes, in runs of one partition.
void kafka_sink::send_some() {
    while (!waiting_.empty() && partitions_ > 0 && clock::now() >= not_before_) {
        const auto source = waiting_.front().record.partition;
        std::size_t count = 1;
        while (alone_ == 0 && count < std::min(waiting_.size(), most_of_a_call) &&
               waiting_[count].record.partition == source)
            ++count;
        if (!send_run(count, source % partitions_)) return;
    }
}

bool kafka_sink::send_run(std::size_t count, std::int32_t partition) {
    out_.emplace_back();
    batch& made = out_.back();
    made.self = std::prev(out_.end());
    std::vector<kafka::record> records;
    for (std::size_t at = 0; at < count; ++at) {
        const auto& from = waiting_[at].record;
        records.push_back({from.has_value ? from.value.data() : nullptr,
                           static_cast<std::uint32_t>(from.value.size()), from.key.data(),
                           static_cast<std::uint32_t>(from.key.size())});
    }
    const auto done = producer_->produce(handle_, partition, records, &made);
    alone_ -= std::min(alone_, done.accepted);
    for (std::size_t at = 0; at < done.accepted; ++at) {
        made.items.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    made.open = done.accepted;
    for (const auto& one : done.refused) {
        made.failed[records[one.index].value] = one.code;
        --made.open;
    }
    if (made.open == 0) settle(made);
    return done.accepted == count;
}

void kafka_sink::delivered(void* of, std::uint32_t count) {
    reported(*static_cast<batch*>(of), count);
}

void kafka_sink::failed(void* of, const char* value, kafka::error code, bool) {
    auto& in = *static_cast<batch*>(of);
    in.failed[value] = code;
    reported(in, 1);
}

void kafka_sink::abandoned() {
    for (auto at = out_.begin(); at != out_.end();) {
        batch& of = *at++;
        for (const auto& one : of.items)
            of.failed.try_emplace(one.record.value.data(), kafka::error::purge_queue);
        of.open = 0;
        settle(of);
    }
}

void kafka_sink::reported(batch& of, std::size_t count) {
    of.open -= count;
    if (of.open == 0) settle(of);
}

/// All of a batch is reported: what failed is sent again, before everything that waits.
void kafka_sink::settle(batch& of) {
    ++counted_.requests;
    auto items = std::move(of.items);
    const auto codes = std::move(of.failed);
    out_.erase(of.self);
    std::vector<item> again;
    for (auto& one : items) {
        if (std::find(ended_.begin(), ended_.end(), one.in) != ended_.end()) continue;
        const auto found = codes.find(one.record.value.data());
        if (found == codes.end()) {
            counted_.bytes += one.record.key.size() + one.record.value.size();
            parts_.to.accepted(std::move(one));
            continue;
        }
        const auto code = found->second;
        // Alone in its run it is the record itself that is refused.
        if (delivery::classify(code) == delivery::retry_class::poison && items.size() == 1) {
            refusal why;
            why.reason = kafka::name(code);
            why.text = "topic " + topic_ + ": " + kafka::text(code);
            parts_.to.refused(std::move(one), std::move(why));
            continue;
        }
        ++counted_.retried[std::string{kafka::name(code)}];
        trouble("topic " + topic_ + ": " + kafka::text(code) + "; trying again");
        again.push_back(std::move(one));
    }
    if (again.empty()) {
        if (!items.empty() && codes.empty() && !counted_.stalled.empty()) trouble({});
    } else {
        not_before_ = clock::now() + retry_pause;
        // A batch may be refused because of one of its records; alone, that one is found.
        alone_ += again.size();
        for (auto at = again.rbegin(); at != again.rend(); ++at)
            waiting_.push_front(std::move(*at));
    }
    progress_.notify();
    work_.notify();
}

void kafka_sink::trouble(std::string text) {
    if (text == counted_.stalled) return;
    counted_.stalled = std::move(text);
    parts_.to.stalled(counted_.stalled);
}

bool kafka_sink::has(const std::vector<lane>& lanes) const {
    const auto is = [&](const item& one) {
        return std::find(lanes.begin(), lanes.end(), one.in) != lanes.end();
    };
    return std::any_of(waiting_.begin(), waiting_.end(), is) ||
           std::any_of(out_.begin(), out_.end(), [&](const batch& one) {
               return std::any_of(one.items.begin(), one.items.end(), is);
           });
}

asio::awaitable<void> kafka_sink::drain(std::vector<lane> lanes, clock::time_point deadline) {
    while (has(lanes) && clock::now() < deadline)
        co_await progress_.wait_until(deadline);
}

void kafka_sink::end(lane in) {
    std::erase_if(waiting_, [&](const item& one) { return one.in == in; });
    ended_.push_back(in);
    // Only those count of which something may still come back.
    std::erase_if(ended_, [&](lane old) {
        return std::none_of(out_.begin(), out_.end(), [&](const batch& one) {
            return std::any_of(one.items.begin(), one.items.end(),
                               [&](const item& each) { return each.in == old; });
        });
    });
}

sink_figures kafka_sink::figures() const {
    auto out = counted_;
    out.in_flight = out_.size();
    return out;
}

}  // namespace

std::unique_ptr<sink> create_kafka_sink(sink_parts parts, const sink_settings& where,
                                        const sink_options& how) {
    return std::make_unique<kafka_sink>(std::move(parts), where, how);
}

}  // namespace logagent::transfer
