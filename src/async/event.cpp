#include "logagent/async/event.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace logagent::async {

namespace asio = boost::asio;

event::event(asio::any_io_executor executor) : timer_{std::move(executor)} {}

void event::notify() {
    if (notified_) return;
    notified_ = true;
    timer_.cancel();
}

asio::awaitable<void> event::wait() {
    return wait_until(clock::time_point::max());
}

asio::awaitable<void> event::wait_until(clock::time_point deadline) {
    if (!notified_) {
        boost::system::error_code woken;
        timer_.expires_at(deadline);
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    notified_ = false;
    // The wait ends with the same error for notify() and for a stop; only the state tells them
    // apart.
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error{asio::error::operation_aborted};
}

}  // namespace logagent::async
