#include "logagent/agent/replay.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using checkpoint::byte_class;

constexpr auto describe_deadline = 10s;
constexpr auto description_lasts = 10s;  // many ranges do not ask for each

tail::moment now() {
    return {steady::now(), os::wall_ms()};
}

}  // namespace

/// Passes reports on to the collector of the range under way.
class replay::reports final : public kafka::delivery_listener {
public:
    explicit reports(async::event& wakes) : wakes_{wakes} {}
    void lead_to(kafka::delivery_listener* to) noexcept { to_ = to; }

    void delivered(void* batch, std::uint32_t count) override {
        if (to_) to_->delivered(batch, count);
        wakes_.notify();
    }
    void failed(void* batch, const char* value, kafka::error code, bool stored) override {
        if (to_) to_->failed(batch, value, code, stored);
        wakes_.notify();
    }
    void abandoned() override {
        if (to_) to_->abandoned();
        wakes_.notify();
    }

private:
    kafka::delivery_listener* to_ = nullptr;
    async::event& wakes_;
};

/// Nothing changes on a replay's disk.
class replay::no_watches final : public tail::directory_watch {
public:
    int watch(const std::string&) override { return 0; }
    void unwatch(const std::string&) override {}
};

replay::replay(asio::any_io_executor executor, replay_job job, kafka::live_producer& main,
               kafka::live_producer& careful)
    : executor_{executor},
      job_{std::move(job)},
      careful_{careful},
      main_{main},
      main_reports_{std::make_unique<reports>(work_)},
      careful_reports_{std::make_unique<reports>(work_)},
      watches_{std::make_unique<no_watches>()},
      work_{executor},
      turned_{executor} {
    main_.listen(*main_reports_);
    careful_.listen(*careful_reports_);
    auto& target = job_.target;
    target.log_path = job_.path;
    target.exclude.clear();
    target.ignore_older_s = 0;
    target.start = fleet::start_at::start;
    target.overload = fleet::overload_policy::block;
    target.trusted = true;
}

replay::~replay() {
    main_reports_->lead_to(nullptr);
    careful_reports_->lead_to(nullptr);
}

asio::awaitable<replay::outcome> replay::run() {
    for (; finished_.part < job_.plan.parts.size(); ++finished_.part) {
        const auto& part = job_.plan.parts[finished_.part];
        finished_.offset = part.ranges.front().begin;
        for (const auto& range : part.ranges) {
            if (stopped()) co_return outcome::cancelled;
            const bool complete = co_await send(part, range);
            if (!failure_.empty()) co_return outcome::failed;
            if (!complete && !collector_) co_return outcome::cancelled;
            if (!complete) co_return outcome::undrained;
        }
    }
    co_return outcome::done;
}

bool replay::stopped() const {
    return cancelled_;
}

/// True: the whole range is acknowledged. The collector stays where something is on its way.
asio::awaitable<bool> replay::send(const tail::replay_part& part, checkpoint::range range) {
    begin(part, range);
    bool complete = false;
    async::task_group tasks{executor_};
    tasks.spawn(describe());
    co_await asio::this_coro::throw_if_cancelled(false);
    std::exception_ptr broken;
    try {
        co_await collect(part.file.path, complete);
    } catch (...) {
        broken = std::current_exception();
    }
    tasks.stop();
    const auto failure = co_await tasks.join();
    if (!broken) broken = failure;
    if (broken) std::rethrow_exception(broken);
    if (collector_->drained()) end();
    co_return complete;
}

void replay::begin(const tail::replay_part& part, checkpoint::range range) {
    range_ = range;
    disk_ = std::make_unique<tail::replay_disk>(job_.path, *part.file.bytes, range.end);
    const auto partition = job_.partitions.find(*part.file.id);
    store_ = std::make_unique<checkpoint::memory_store>(
        tail::replay_state(*disk_, *part.file.id, job_.path, job_.target.topic, range,
                           partition == job_.partitions.end() ? -1 : partition->second));
    tail::collector_options options;
    options.host = job_.host;
    options.in_flight_bytes = window;
    options.max_send_rate_bytes = job_.max_send_rate_bytes;
    options.once = true;
    // The first sending has kept it where it was refused, so it is only counted here.
    options.spill = [this](const tail::dead_letter&) {
        ++finished_.refused_letters;
        return true;
    };
    collector_ =
        std::make_unique<tail::collector>(options, *disk_, *watches_, *store_, main_, careful_);
    main_reports_->lead_to(collector_.get());
    careful_reports_->lead_to(&collector_->careful_listener());
    collector_->apply({job_.target}, now());
}

void replay::end() {
    finished_ = progress();
    main_reports_->lead_to(nullptr);
    careful_reports_->lead_to(nullptr);
    collector_.reset();
    store_.reset();
    disk_.reset();
}

asio::awaitable<void> replay::collect(const std::string& path, bool& complete) {
    bool reading = true;
    for (;;) {
        const auto begun = now();
        const auto next = collector_->turn(begun);
        turned_.notify();
        if (!disk_->broken().empty() && failure_.empty()) {
            failure_ = path + ": " + disk_->broken();
            cancel(begun.steady + 5s);
        }
        if (cancelled_ && std::exchange(reading, false)) collector_->stop_reading();
        if (!reading && (collector_->drained() || begun.steady >= deadline_)) co_return;
        if (reading && collector_->finished()) {
            complete = true;
            co_return;
        }
        if (next <= begun.steady) {
            co_await asio::post(asio::use_awaitable);
        } else {
            const auto again = reading ? next : std::min(next, deadline_);
            co_await work_.wait_until(again);
        }
    }
}

asio::awaitable<void> replay::describe() {
    // Thousands of ranges must not ask thousands of times; what is asked again has a reason.
    bool remembered = described_ && steady::now() - described_at_ < description_lasts;
    for (;;) {
        auto names = collector_->due_topics(now());
        if (names.empty()) {
            const auto again = steady::now() + 200ms;
            co_await turned_.wait_until(again);
            continue;
        }
        if (std::exchange(remembered, false) && names.front() == described_->topic &&
            names.size() == 1) {
            collector_->described(*described_, now());
            work_.notify();
            continue;
        }
        const auto deadline = steady::now() + describe_deadline;
        const auto answers = co_await careful_.describe(std::move(names), deadline);
        for (const auto& answer : answers) {
            collector_->described(answer, now());
            if (answer.max_message_bytes && *answer.max_message_bytes < 1'000'000)
                main_.limit_batch_bytes(*answer.max_message_bytes);
            if (answer.topic != job_.target.topic || answer.code != kafka::error::none) continue;
            described_ = answer;
            described_at_ = steady::now();
        }
        work_.notify();
    }
}

void replay::cancel(steady::time_point deadline) {
    cancelled_ = true;
    deadline_ = deadline;
    work_.notify();
}

replay_progress replay::progress() const {
    replay_progress out = finished_;
    if (!collector_) return out;
    const auto sums = collector_->sums();
    std::uint64_t settled = 0;
    for (std::size_t at = 0; at < out.counts.size(); ++at) {
        auto count = sums.classes[at];
        if (at == static_cast<std::size_t>(byte_class::skipped_at_start)) count -= range_.begin;
        out.counts[at] += count;
        settled += count;
    }
    out.bytes += settled;
    out.records += collector_->counted().lines_acked;
    out.offset = range_.begin + settled;
    return out;
}

std::string replay::waiting_for() const {
    if (const auto state = main_.state(); !state.up) return "Kafka: " + state.text;
    if (!collector_) return {};
    const auto problems = collector_->problems();
    return problems.empty() ? std::string{} : problems.front().second;
}

}  // namespace logagent::agent
