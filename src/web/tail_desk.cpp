#include "tail_desk.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "logagent/async/guarded.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "problem.hpp"

namespace logagent::web {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr auto tick = 1s;
constexpr auto linger = 10s;        // after the last client has left
constexpr auto counts_stand = 30s;  // of partitions
constexpr auto describe_time = 5s;
constexpr auto scope_stands = 3s;     // whatever changes; a fleet changes all the time
constexpr auto trouble_stands = 10s;  // unless lines come
constexpr auto pause_after_failure = 5s;

}  // namespace

tail_desk::tail_desk(asio::any_io_executor executor, make_reader make, const service_map& services,
                     const host_registry& hosts)
    : executor_{executor},
      make_{std::move(make)},
      services_{services},
      hosts_{hosts},
      news_{executor},
      self_{std::make_shared<tail_desk*>(this)} {}

tail_desk::~tail_desk() {
    *self_ = nullptr;
}

std::unique_ptr<tail_feed> tail_desk::open(tail_query query, principal who) {
    if (!make_)
        throw refused{503, "no_kafka",
                      "this web does not know the brokers: set kafka_addr in web.ini"};
    const auto own = std::ranges::count_if(
        feeds_, [&](const tail_feed* feed) { return feed->who().token_id == who.token_id; });
    if (feeds_.size() >= most_tails || static_cast<std::size_t>(own) >= most_tails_of_token) {
        problem why;
        why.status = 429;
        why.code = "too_many_tails";
        why.detail = "at most " + std::to_string(most_tails_of_token) + " for a token and " +
                     std::to_string(most_tails) + " in all; close one";
        why.fields.push_back({"Retry-After", "5"});
        throw refused{std::move(why)};
    }
    auto closing = [self = self_](tail_feed& feed) {
        if (*self) (*self)->closed(feed);
    };
    auto feed = std::make_unique<tail_feed>(std::move(query), std::move(who), std::move(closing),
                                            clock::now());
    feeds_.push_back(feed.get());
    stale_ = true;
    news_.notify();
    return feed;
}

void tail_desk::closed(tail_feed& feed) {
    std::erase(feeds_, &feed);
    stale_ = true;
}

asio::awaitable<void> tail_desk::run() {
    for (;;) {
        while (feeds_.empty())
            co_await news_.wait();
        std::string failure;
        try {
            co_await serve();
        } catch (const boost::system::system_error& thrown) {
            if (thrown.code() == asio::error::operation_aborted) throw;
            failure = thrown.what();
        } catch (const std::exception& thrown) {
            failure = thrown.what();
        }
        if (failure.empty()) continue;
        LOGAGENT_LOG(warn, "web.tail", "following lines failed: " << failure << "; again in 5 s");
        tell_all("kafka", failure);
        const auto again = clock::now() + pause_after_failure;
        while (clock::now() < again)
            co_await news_.wait_until(again);
    }
}

/// With a Kafka client, until nobody has wanted one for a while.
asio::awaitable<void> tail_desk::serve() {
    auto reader = make_();
    followed_.clear();
    partition_counts_.clear();
    counted_at_ = {};
    broken_ = nullptr;
    async::task_group tasks{executor_};
    kafka::live_reader::receiver receive =
        [this](std::string_view topic, const kafka::stored_record& record) { took(topic, record); };
    auto running = reader->run(std::move(receive));
    tasks.spawn(async::guarded(std::move(running), broken_, news_));
    std::exception_ptr ended;
    try {
        co_await steer(*reader);
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await tasks.join();
    if (ended) std::rethrow_exception(ended);
}

asio::awaitable<void> tail_desk::steer(kafka::live_reader& reader) {
    auto last_wanted = clock::now();
    auto next = clock::now() + tick;
    stale_ = true;
    while (clock::now() < last_wanted + linger) {
        if (broken_) std::rethrow_exception(broken_);
        if (!feeds_.empty()) last_wanted = clock::now();
        if (std::exchange(stale_, false)) co_await follow(reader);
        if (clock::now() >= next) {
            next = clock::now() + tick;
            watch_rate(reader);
            if (auto trouble = reader.take_trouble(); !trouble.empty()) {
                trouble_ = std::move(trouble);
                trouble_at_ = clock::now();
            }
            if (clock::now() >= trouble_at_ + trouble_stands) trouble_.clear();
            tell();
        }
        co_await news_.wait_until(next);
    }
}

/// Of new clients, and of the one whose scope is the oldest: looking at every host for every client
/// at once would take too long.
void tail_desk::find_scopes() {
    const auto now = clock::now();
    tail_feed* oldest = nullptr;
    const auto look = [&](tail_feed& feed) {
        feed.set_scope(find_scope(feed.query(), feed.who(), services_, hosts_.all()), now);
    };
    for (auto* feed : feeds_) {
        if (feed->scoped_at() == clock::time_point{})
            look(*feed);
        else if (!oldest || feed->scoped_at() < oldest->scoped_at())
            oldest = feed;
    }
    if (!oldest) return;
    if (now >= oldest->scoped_at() + scope_stands) look(*oldest);
    // The others have their turn.
    stale_ = stale_ || feeds_.size() > 1 || oldest->scoped_at() != now;
}

/// Reads what the clients want: each one's topics, and of them what agents write to.
asio::awaitable<void> tail_desk::follow(kafka::live_reader& reader) {
    find_scopes();
    co_await learn_partitions(reader);
    std::set<kafka::partition_name> wanted;
    for (const auto* feed : feeds_)
        for (const auto& [topic, partitions] : feed->scope().topics) {
            const auto known = partition_counts_.find(topic);
            const int count = known == partition_counts_.end() ? 0 : known->second;
            for (int number = 0; number < count; ++number)
                if (!partitions || partitions->contains(number)) wanted.insert({topic, number});
        }
    if (wanted == followed_) co_return;
    reader.follow(wanted);
    followed_ = std::move(wanted);
}

asio::awaitable<void> tail_desk::learn_partitions(kafka::live_reader& reader) {
    const bool old = clock::now() >= counted_at_ + counts_stand;
    std::vector<std::string> unknown;
    for (const auto* feed : feeds_)
        for (const auto& [topic, partitions] : feed->scope().topics) {
            const auto known = partition_counts_.find(topic);
            const bool ask = old || known == partition_counts_.end() || known->second == 0;
            if (ask && std::ranges::find(unknown, topic) == unknown.end()) unknown.push_back(topic);
        }
    if (unknown.empty()) co_return;
    if (old) counted_at_ = clock::now();
    const auto deadline = clock::now() + describe_time;
    const auto answers = co_await reader.count_partitions(std::move(unknown), deadline);
    for (const auto& answer : answers) {
        if (answer.code == kafka::error::timed_out) {
            stale_ = true;  // once more with the next tick
            continue;
        }
        partition_counts_[answer.topic] = answer.partitions;
    }
}

void tail_desk::took(std::string_view topic, const kafka::stored_record& record) {
    const auto size = record.key.size() + record.value.size();
    bytes_read_ += size;
    trouble_.clear();
    bytes_this_second_ += size;
    if (bytes_this_second_ > most_bytes_per_s) {
        if (!std::exchange(too_fast_, true)) news_.notify();
        return;
    }
    std::string message;
    auto from = fleet::parse_record_key(record.key);
    live_line line;
    line.text = record.value;
    if (!from) {
        from = fleet::parse_envelope(record.value, message);
        if (from) line.text = message;
    }
    line.topic = topic;
    line.partition = record.partition;
    line.offset = record.offset;
    line.at_ms = record.timestamp_ms;
    line.from = from ? &*from : nullptr;
    for (auto* feed : feeds_)
        if (feed->scope().topics.contains(topic)) feed->offer(line);
}

/// Once a second. What could not be looked at is passed over, so that what is shown is of now.
void tail_desk::watch_rate(kafka::live_reader& reader) {
    if (too_fast_) reader.skip_to_end();
    for (auto* feed : feeds_)
        feed->source("kafka", !too_fast_);
    too_fast_ = false;
    bytes_this_second_ = 0;
}

void tail_desk::tell_all(std::string_view code, std::string_view detail) {
    for (auto* feed : feeds_)
        feed->problem(code, detail);
}

void tail_desk::tell() {
    for (auto* feed : feeds_) {
        bool missing = false;
        std::string said = trouble_;
        std::string what{trouble_.empty() ? "" : "kafka"};
        for (const auto& [topic, partitions] : feed->scope().topics) {
            const auto known = partition_counts_.find(topic);
            if (known == partition_counts_.end() || known->second != 0) continue;
            missing = true;
            what = "no_topic";
            said = "the topic " + topic + " does not exist";
        }
        if (feed->scope().topics.empty() && what.empty()) {
            what = "nothing_collected";
            said = "no service and no agent that is online collects such lines";
        }
        if (missing) stale_ = true;  // it may come
        feed->problem(what, said);
    }
}

}  // namespace logagent::web
