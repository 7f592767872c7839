#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <list>
#include <memory>

namespace logagent::async {

/// Owns coroutines: none outlives it, and the first failure stops the others.
///
/// A stop makes the current wait of every task throw operation_aborted, which unwinds to here; that
/// error is not a failure. Destroying a group that was not joined is a programmer's mistake, and
/// between the first spawn() and join() nothing may throw. A parent that can be stopped itself
/// needs one line in front of its first co_await after the spawns (see join()):
///
///     async::task_group tasks{executor};
///     tasks.spawn(one());
///     tasks.spawn(another());
///     co_await asio::this_coro::throw_if_cancelled(false);
///     co_await wait_for_the_end();  // returns when the parent is stopped; must not throw
///     tasks.stop();
///     const auto failure = co_await tasks.join();
class task_group {
public:
    explicit task_group(boost::asio::any_io_executor executor);
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    /// Starts `task`. After stop() a new task is stopped at its first wait.
    void spawn(boost::asio::awaitable<void> task);

    /// Stops every task. Does not wait; join() waits for their ends. May be called again, and from
    /// outside the loop's handlers too: the tasks are told once the loop runs, if they and the
    /// group still live then.
    void stop();

    bool empty() const noexcept { return tasks_.empty(); }

    /// Waits until every task has ended, also while the caller is being stopped, and returns the
    /// first failure, or null. Does not stop the tasks, and leaves the caller deaf to further
    /// stops.
    ///
    /// A caller that may have been stopped before must have said
    /// `co_await asio::this_coro::throw_if_cancelled(false);`. Asio looks at the caller's state in
    /// its own co_await, before anything of join() runs, so this cannot be done in here: without
    /// that line the await throws and the group is destroyed with its tasks running.
    boost::asio::awaitable<std::exception_ptr> join();

private:
    struct node {
        boost::asio::cancellation_signal signal;
        bool begun = false;
        bool told = false;  // to stop
    };
    using task_list = std::list<node>;
    enum class whom { all, untold };

    boost::asio::awaitable<void> run(node& self, boost::asio::awaitable<void> task);
    auto telling(whom addressed);
    void ended(task_list::iterator task, std::exception_ptr failure);

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer all_ended_;  // cancelled when the last task ends
    task_list tasks_;
    std::exception_ptr failure_;
    bool stopped_ = false;
    std::shared_ptr<task_group*> self_;  // for what is queued on the loop: expired = destroyed
};

}  // namespace logagent::async
