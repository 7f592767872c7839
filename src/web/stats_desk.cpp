#include "stats_desk.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "logagent/async/guarded.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"

namespace logagent::web {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr auto tick = 2s;
constexpr auto ask_interval = 30s;  // for the topic, and for partitions that were added
constexpr auto describe_time = 5s;
constexpr auto pause_after_failure = 10s;

}  // namespace

stats_desk::stats_desk(asio::any_io_executor executor, make_reader make, std::string topic)
    : executor_{executor}, make_{std::move(make)}, topic_{std::move(topic)}, wake_{executor} {
    if (!make_) trouble_ = "this web does not know the brokers: set kafka_addr in web.ini";
    if (trouble_.empty()) trouble_ = "Kafka was not asked yet";
}

asio::awaitable<void> stats_desk::run() {
    if (!make_) co_return;
    for (;;) {
        std::string failure;
        try {
            co_await serve();
        } catch (const boost::system::system_error& thrown) {
            if (thrown.code() == asio::error::operation_aborted) throw;
            failure = thrown.what();
        } catch (const std::exception& thrown) {
            failure = thrown.what();
        }
        LOGAGENT_LOG(warn, "web.stats", topic_ << ": " << failure << "; again in 10 s");
        trouble_ = failure;
        const auto again = clock::now() + pause_after_failure;
        while (clock::now() < again)
            co_await wake_.wait_until(again);
    }
}

asio::awaitable<void> stats_desk::serve() {
    auto reader = make_();
    broken_ = nullptr;
    ask_at_ = {};
    partitions_ = 0;
    async::task_group tasks{executor_};
    kafka::live_reader::receiver receive = [this](std::string_view,
                                                  const kafka::stored_record& record) {
        rates_.put(record.value, os::wall_ms());
    };
    auto running = reader->run(std::move(receive));
    tasks.spawn(async::guarded(std::move(running), broken_, wake_));
    std::exception_ptr ended;
    try {
        co_await steer(*reader);
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await tasks.join();
    std::rethrow_exception(ended);
}

asio::awaitable<void> stats_desk::steer(kafka::live_reader& reader) {
    for (;;) {
        if (broken_) std::rethrow_exception(broken_);
        rates_.tick(os::wall_ms());
        if (clock::now() >= ask_at_) co_await look_for_topic(reader);
        const auto next = clock::now() + tick;
        co_await wake_.wait_until(next);
    }
}

asio::awaitable<void> stats_desk::look_for_topic(kafka::live_reader& reader) {
    ask_at_ = clock::now() + ask_interval;
    std::vector<std::string> names{topic_};
    const auto deadline = clock::now() + describe_time;
    const auto answers = co_await reader.count_partitions(std::move(names), deadline);
    const auto& answer = answers.front();
    if (answer.code != kafka::error::none) {
        trouble_ = "the topic " + topic_ + ": " + kafka::text(answer.code) +
                   "; make it, then agents publish their figures there";
        if (answer.code == kafka::error::timed_out) ask_at_ = clock::now() + tick;
        co_return;
    }
    trouble_.clear();
    if (answer.partitions == partitions_) co_return;
    partitions_ = answer.partitions;
    std::set<kafka::partition_name> wanted;
    for (int number = 0; number < partitions_; ++number)
        wanted.insert({topic_, number});
    reader.follow(wanted);
}

}  // namespace logagent::web
