#include "logagent/async/event.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "support/run.hpp"
#include "support/test.hpp"

namespace logagent::async {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

struct fixture {
    asio::io_context loop;
    event changed{loop.get_executor()};
    int woken = 0;

    asio::awaitable<void> count_wakes(int most) {
        while (woken < most) {
            co_await changed.wait();
            ++woken;
        }
    }
};

bool was_stopped(const std::exception_ptr& failure) {
    if (!failure) return false;
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    }
}

TEST_CASE_METHOD(fixture, "a notification that comes before the wait ends it at once", "[event]") {
    changed.notify();
    test::run(loop, changed.wait());
}

TEST_CASE_METHOD(fixture, "a notification ends the wait under way", "[event]") {
    test::background waiter{loop, count_wakes(1)};
    loop.poll();
    REQUIRE_FALSE(waiter.ended());
    changed.notify();
    test::run_until(loop, [&] { return waiter.ended(); });
    CHECK(woken == 1);
    CHECK_FALSE(waiter.failure());
}

TEST_CASE_METHOD(fixture, "notifications before a wait count as one", "[event]") {
    changed.notify();
    changed.notify();
    test::background waiter{loop, count_wakes(2)};
    loop.poll();
    CHECK(woken == 1);
    changed.notify();
    changed.notify();
    test::run_until(loop, [&] { return waiter.ended(); });
    CHECK(woken == 2);
}

TEST_CASE_METHOD(fixture, "a wait without notification ends at its deadline", "[event]") {
    const auto deadline = event::clock::now() + 5ms;
    test::run(loop, changed.wait_until(deadline));
    CHECK(event::clock::now() >= deadline);
}

TEST_CASE_METHOD(fixture, "a deadline in the past does not lose the notification", "[event]") {
    changed.notify();
    test::run(loop, changed.wait_until(event::clock::now() - 1s));
    // The one above was used up; this wait has only its own deadline.
    const auto deadline = event::clock::now() + 5ms;
    test::run(loop, changed.wait_until(deadline));
    CHECK(event::clock::now() >= deadline);
}

TEST_CASE_METHOD(fixture, "a stop makes the wait throw instead of returning", "[event]") {
    test::background waiter{loop, count_wakes(1)};
    loop.poll();
    waiter.stop();
    CHECK(was_stopped(waiter.failure()));
    CHECK(woken == 0);
}

TEST_CASE_METHOD(fixture, "a stop wins over a notification of the same turn", "[event]") {
    asio::cancellation_signal stop;
    std::exception_ptr failure;
    asio::co_spawn(loop, count_wakes(1),
                   asio::bind_cancellation_slot(
                       stop.slot(), [&](std::exception_ptr thrown) { failure = thrown; }));
    loop.poll();
    asio::post(loop, [&] {
        changed.notify();
        stop.emit(asio::cancellation_type::terminal);
    });
    test::run_until(loop, [&] { return failure != nullptr; });
    CHECK(was_stopped(failure));
    CHECK(woken == 0);
}

}  // namespace
}  // namespace logagent::async
