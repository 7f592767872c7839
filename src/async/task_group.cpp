#include "logagent/async/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>

namespace logagent::async {

namespace asio = boost::asio;

namespace {

bool is_stop(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

task_group::task_group(asio::any_io_executor executor)
    : executor_{executor},
      all_ended_{std::move(executor)},
      self_{std::make_shared<task_group*>(this)} {}

// Fires when the parent was stopped before it reached join(): see the header.
task_group::~task_group() {
    assert(tasks_.empty());
}

/// What tells the tasks to stop. Asio allows it only to a task that has begun, and only inside a
/// handler of the loop: one that is told before its first step throws out of the loop, and outside
/// the handlers co_spawn() queues the signal with a raw pointer into the task, which may end first.
/// So it is this that gets queued where needed, and it looks whether the group still lives.
auto task_group::telling(whom addressed) {
    return [weak = std::weak_ptr{self_}, addressed] {
        const auto self = weak.lock();
        if (!self) return;
        auto& tasks = (*self)->tasks_;
        // A task may end inside emit() and erase its node, so the next one is taken first.
        for (auto task = tasks.begin(); task != tasks.end();) {
            const auto current = task++;
            if (!current->begun || (addressed == whom::untold && current->told)) continue;
            current->told = true;
            current->signal.emit(asio::cancellation_type::terminal);
        }
    };
}

void task_group::spawn(asio::awaitable<void> task) {
    const auto position = tasks_.emplace(tasks_.end());
    auto begun = run(*position, std::move(task));
    asio::co_spawn(executor_, std::move(begun),
                   asio::bind_cancellation_slot(
                       position->signal.slot(),
                       [this, position](std::exception_ptr failure) { ended(position, failure); }));
}

asio::awaitable<void> task_group::run(node& self, asio::awaitable<void> task) {
    self.begun = true;
    if (stopped_) asio::post(executor_, telling(whom::untold));  // finds it in its first wait
    std::exception_ptr failure;
    try {
        co_await std::move(task);
    } catch (...) {
        failure = std::current_exception();
    }
    // co_spawn() waits once more after a task that never waited. If that threw because of a stop,
    // the loop would get the exception instead of ended().
    co_await asio::this_coro::throw_if_cancelled(false);
    if (failure) std::rethrow_exception(failure);
}

void task_group::stop() {
    stopped_ = true;
    asio::dispatch(executor_, telling(whom::all));  // at once inside a handler
}

asio::awaitable<std::exception_ptr> task_group::join() {
    // A stopped parent still has to see its children end.
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (!tasks_.empty()) {
        boost::system::error_code woken;
        all_ended_.expires_at(asio::steady_timer::time_point::max());
        co_await all_ended_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_return failure_;
}

void task_group::ended(task_list::iterator task, std::exception_ptr failure) {
    tasks_.erase(task);
    if (failure && !is_stop(failure) && !failure_) {
        failure_ = failure;
        stop();
    }
    if (tasks_.empty()) all_ended_.cancel();
}

}  // namespace logagent::async
