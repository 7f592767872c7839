#include "logagent/async/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
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
    : executor_{executor}, all_ended_{std::move(executor)} {}

task_group::~task_group() { assert(tasks_.empty()); }

void task_group::spawn(asio::awaitable<void> task) {
    const auto position = tasks_.emplace(tasks_.end());
    asio::co_spawn(executor_, std::move(task),
                   asio::bind_cancellation_slot(
                       position->signal.slot(),
                       [this, position](std::exception_ptr failure) { ended(position, failure); }));
    if (stopped_) position->signal.emit(asio::cancellation_type::terminal);
}

void task_group::stop() {
    stopped_ = true;
    // A task may end inside emit() and erase its node, so the next one is taken first.
    for (auto task = tasks_.begin(); task != tasks_.end();) {
        const auto current = task++;
        current->signal.emit(asio::cancellation_type::terminal);
    }
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

void task_group::ended(std::list<node>::iterator task, std::exception_ptr failure) {
    tasks_.erase(task);
    if (failure && !is_stop(failure) && !failure_) {
        failure_ = failure;
        stop();
    }
    if (tasks_.empty()) all_ended_.cancel();
}

}  // namespace logagent::async
