#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <list>
#include <string>

namespace logagent::async {

/// Owns coroutines: none outlives it, and the first failure stops the others.
///
/// A stop makes the current wait of every task throw operation_aborted, which unwinds to here; that
/// error is not a failure. Destroying a group that was not joined is a programmer's mistake.
class task_group {
public:
    explicit task_group(boost::asio::any_io_executor executor);
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    /// Starts `task`. After stop() a new task is stopped at its first wait.
    void spawn(boost::asio::awaitable<void> task);

    /// Stops every task. Returns at once; join() waits for their ends. May be called again.
    void stop();

    bool empty() const noexcept { return tasks_.empty(); }

    /// Waits until every task has ended, also when the caller itself is being stopped, and returns the
    /// first failure, or null. Does not stop the tasks.
    boost::asio::awaitable<std::exception_ptr> join();

private:
    struct node {
        boost::asio::cancellation_signal signal;
    };

    void ended(std::list<node>::iterator task, std::exception_ptr failure);

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer all_ended_;  // cancelled when the last task ends
    std::list<node> tasks_;
    std::exception_ptr failure_;
    bool stopped_ = false;
};

}  // namespace logagent::async
