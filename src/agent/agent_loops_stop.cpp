#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent_loops.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"

// How an agent stops: signals, the drain, the last save, the exit code.

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_unacknowledged = 3;

}  // namespace

asio::awaitable<void> agent_loops::signals() {
    for (;;) {
        const int caught = co_await signals_.async_wait(asio::use_awaitable);
        if (caught == SIGHUP) {
            LOGAGENT_LOG(info, "agent.reload", "SIGHUP: the targets are read again");
            source_->reload();
            continue;
        }
        if (stop_asked_) {
            LOGAGENT_LOG(warn, "agent.stop_now", "second signal: stopping at once");
            stop_now_ = true;
            drained_.notify();
        }
        stop_asked_ = true;
        stopping_.notify();
    }
}

asio::awaitable<int> agent_loops::stop() {
    manager_.stopping();
    bool good = true;
    const bool once_finished = options_.once && collector_->finished();
    if (once_finished) good = report_once();
    collector_->stop_reading();
    work_.notify();
    const auto deadline = steady::now() + settings_.shutdown_timeout;
    if (commands_) commands_->wind_down(deadline);
    const auto busy = [&] { return !collector_->drained() || (commands_ && !commands_->idle()); };
    while (!failure_ && !stop_now_ && busy() && steady::now() < deadline)
        co_await drained_.wait_until(std::min(deadline, steady::now() + 100ms));
    const bool drained = collector_->drained() && collector_->blocked_bytes() == 0 &&
                         (!options_.once || once_finished || stop_now_);

    tasks_.stop();
    co_await tasks_.join();
    collector_->save_positions();
    const bool saved = !journal_ || journal_->close();
    if (announcer_ && !failure_) co_await release_presence();
    if (failure_) {
        LOGAGENT_LOG(error, "agent.failed", base::describe(failure_));
        co_return exit_failed;
    }
    LOGAGENT_LOG(info, "agent.stopped",
                 (drained ? "everything read was acknowledged"
                          : "lines are still unacknowledged or could not be sent; they are sent "
                            "at the next start"));
    if (!drained) co_return exit_unacknowledged;
    co_return good&& saved ? exit_done : exit_failed;
}

asio::awaitable<void> agent_loops::release_presence() {
    // The lease ends it anyway; a stop does not wait for an etcd that does not answer.
    async::task_group bounded{executor_};
    asio::steady_timer limit{executor_, 1s};
    bounded.spawn(announcer_->release());
    limit.async_wait([&](const boost::system::error_code& ended) {
        if (!ended) bounded.stop();
    });
    co_await bounded.join();
    limit.cancel();
    co_await asio::post(asio::use_awaitable);
}

bool agent_loops::report_once() {
    bool all_read = true;
    collector_->visit_files({}, 20'000, steady::now(), [&](const tail::file_view& file) {
        if (!file.generation.empty()) return;
        all_read = false;
        LOGAGENT_LOG(error, "agent.once", file.path << " was not read: " << file.last_error);
    });
    return all_read;
}

}  // namespace logagent::agent
