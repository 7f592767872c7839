#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "producer.hpp"

// How the producer waits, and how it replaces an instance: running -> draining (the old one may
// still report) -> waiting (the backoff) -> running.

namespace logagent::kafka {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto slice = 5ms;  // of the loop for events, then the others have a turn
constexpr auto safety = 1s;  // librdkafka writes the eventfd once; a lost write must not stop us
// One topic of tiny records must not cost all others a request for each record, and librdkafka
// refuses 0, which a topic may say. What is too large for such a topic is sent alone.
constexpr std::uint32_t least_batch = 1000;
constexpr auto drain_look = 10ms;  // how often drain() looks when nobody else serves

}  // namespace

void rd_producer::request_rebuild(std::string reason) {
    if (phase_ != phase::running) return;
    begin_rebuild(std::move(reason), error::none);
}

void rd_producer::limit_batch_bytes(std::uint32_t bytes) {
    bytes = std::max(bytes, least_batch);
    if (bytes >= options_.batch_bytes) return;
    options_.batch_bytes = bytes;
    if (phase_ != phase::running) return;  // the next instance gets it anyway
    planned_ = true;
    begin_rebuild("smaller batches", error::none);
}

void rd_producer::begin_rebuild(std::string reason, error code) {
    if (phase_ == phase::waiting) return;
    const auto now = clock::now();
    last_fatal_ = std::move(reason);
    last_fatal_code_ = code;
    if (code != error::none) planned_ = false;
    if (!planned_)  // what was not sent yet comes back at once; requests under way get their time
        rd_kafka_purge(instance_->client(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (phase_ == phase::running) {
        phase_ = phase::draining;
        phase_ends_ = now + options_.socket_timeout + 1s;
    }
    update_state(now);
    work_.notify();
}

void rd_producer::advance(clock::time_point now) {
    if (phase_ == phase::draining && (outstanding_ == 0 || now >= phase_ends_)) {
        destroy_instance();
        phase_ = phase::waiting;
        phase_ends_ = now + (std::exchange(planned_, false) ? clock::duration{0} : backoff_.next());
        if (listener_) listener_->abandoned();
        settled_.notify();
    }
    if (phase_ != phase::waiting || now < phase_ends_) return;
    try {
        start_instance();
        ++rebuilds_;
        phase_ = phase::running;
        all_down_ = true;
        trouble_ = "no connection yet after a rebuild: " + last_fatal_;
    } catch (const std::runtime_error& failure) {
        trouble_ = failure.what();
        phase_ends_ = now + backoff_.next();
    }
    settled_.notify();
}

live_producer::clock::time_point rd_producer::next_step(clock::time_point now) const {
    return phase_ == phase::running ? now + safety : std::min(now + safety, phase_ends_);
}

asio::awaitable<void> rd_producer::run() {
    async::task_group tasks{executor_};
    tasks_ = &tasks;
    tasks.spawn(read_wakes());
    tasks.spawn(notices_.read([this](char kind, std::string_view text) { noticed(kind, text); }));
    for (auto& host : broker_hosts(settings_.brokers))  // known before the first connection asks
        tasks.spawn(refresh(std::move(host)));

    std::exception_ptr ended;
    try {
        co_await serve();
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    // A stop of run() itself would otherwise make this very wait throw, with the tasks still there.
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto failure = co_await tasks.join();
    tasks_ = nullptr;
    std::rethrow_exception(failure ? failure : ended);
}

asio::awaitable<void> rd_producer::serve() {
    // The readers end only by a stop or a failure, and a failure stops all of them.
    while (!tasks_->empty()) {
        const auto now = clock::now();
        const bool more = serve_events(now + slice);
        advance(now);
        if (more) {
            co_await asio::post(executor_, asio::use_awaitable);
        } else {
            const auto deadline = next_step(now);
            co_await work_.wait_until(deadline);
        }
    }
    throw std::runtime_error{"a task of the Kafka producer ended"};
}

asio::awaitable<void> rd_producer::read_wakes() {
    for (;;) {
        co_await wakes_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
        std::uint64_t count = 0;
        // Nothing to do when it fails: another wake has read it, and we serve anyway.
        [[maybe_unused]] const auto size = ::read(wakes_.native_handle(), &count, sizeof count);
        work_.notify();
    }
}

asio::awaitable<bool> rd_producer::drain(clock::time_point deadline) {
    for (;;) {
        const auto now = clock::now();
        const bool more = serve_events(now + slice);
        if (outstanding_ == 0) co_return true;
        if (now >= deadline) co_return false;
        if (more) {
            co_await asio::post(executor_, asio::use_awaitable);
        } else {
            const auto look = std::min(deadline, now + drain_look);
            co_await settled_.wait_until(look);
        }
    }
}

asio::awaitable<std::vector<topic_description>> rd_producer::describe(
    std::vector<std::string> topics, clock::time_point deadline) {
    // A question that waits inside of librdkafka makes it connect again and again without a pause
    // (4,000 times a second where connections are refused), so it waits here for a connection.
    while (!(instance_ && connected()) && clock::now() < deadline) {
        const auto look = std::min(deadline, clock::now() + 100ms);
        co_await connected_.wait_until(look);
    }
    std::vector<topic_description> answers;
    if (instance_ && connected()) {
        answers = co_await inquiries_.ask(*instance_, std::move(topics), deadline);
        co_return answers;
    }
    for (auto& name : topics) {
        auto& topic = answers.emplace_back();
        topic.topic = std::move(name);
        topic.code = error::timed_out;
    }
    co_return answers;
}

}  // namespace logagent::kafka
