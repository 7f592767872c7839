#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace logagent::async {

/// Wakes the one coroutine that waits for a change of some state.
///
/// It carries no data: state lives in the object that owns the event, and a wake-up only says "look
/// again". A notification that comes while nobody waits is kept, so "look, then wait" loses
/// nothing.
class event {
public:
    using clock = std::chrono::steady_clock;

    explicit event(boost::asio::any_io_executor executor);

    /// Ends the current wait, or the next one at once if nobody waits.
    void notify();

    /// Returns after notify(). Throws operation_aborted when the waiting task is stopped.
    boost::asio::awaitable<void> wait();

    /// Returns after notify() or at `deadline`, whichever comes first.
    boost::asio::awaitable<void> wait_until(clock::time_point deadline);

private:
    boost::asio::steady_timer timer_;  // cancelled by notify()
    bool notified_ = false;
};

}  // namespace logagent::async
