#pragma once

#include <boost/asio/awaitable.hpp>
#include <exception>

#include "logagent/async/event.hpp"

namespace logagent::async {

/// Runs `task` for an owner that ends in good order when one of its tasks fails, instead of having
/// them stopped by their task_group. A failure is kept in `failure`, if it is the first, and
/// `wakes` is notified; a stop is no failure. Both must outlive the task.
boost::asio::awaitable<void> guarded(boost::asio::awaitable<void> task, std::exception_ptr& failure,
                                     event& wakes);

}  // namespace logagent::async
