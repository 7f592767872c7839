#include "logagent/async/guarded.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

namespace logagent::async {

namespace asio = boost::asio;

asio::awaitable<void> guarded(asio::awaitable<void> task, std::exception_ptr& failure,
                              event& wakes) {
    std::exception_ptr caught;
    try {
        co_await std::move(task);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        caught = std::current_exception();
    } catch (...) {
        caught = std::current_exception();
    }
    if (!caught) co_return;
    if (!failure) failure = caught;
    wakes.notify();
}

}  // namespace logagent::async
