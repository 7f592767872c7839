#include "logagent/async/task_group.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <stdexcept>

#include "logagent/async/event.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace logagent::async {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

struct fixture {
    asio::io_context loop;
    event go{loop.get_executor()};
    int stopped = 0;
    int finished = 0;

    /// Waits for a stop.
    asio::awaitable<void> sit() {
        asio::steady_timer never{loop, asio::steady_timer::time_point::max()};
        boost::system::error_code woken;
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        ++stopped;
        throw boost::system::system_error{woken};
    }
    asio::awaitable<void> finish_on_go() {
        co_await go.wait();
        ++finished;
    }
    asio::awaitable<void> fail(std::string reason) {
        co_await go.wait();
        throw std::runtime_error{reason};
    }
    asio::awaitable<void> fail_when_stopped() {
        asio::steady_timer never{loop, asio::steady_timer::time_point::max()};
        boost::system::error_code woken;
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        throw std::runtime_error{"while stopping"};
    }
    asio::awaitable<void> finish_at_once() {
        ++finished;
        co_return;
    }
};

std::string what(const std::exception_ptr& failure) {
    if (!failure) return {};
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        return error.what();
    }
}

TEST_CASE_METHOD(fixture, "joining an empty group returns at once", "[task_group]") {
    task_group tasks{loop.get_executor()};
    CHECK_FALSE(test::run(loop, tasks.join()));
}

TEST_CASE_METHOD(fixture, "join waits for the end of every task", "[task_group]") {
    task_group tasks{loop.get_executor()};
    tasks.spawn(finish_at_once());
    tasks.spawn(finish_on_go());
    loop.poll();
    CHECK(finished == 1);
    CHECK_FALSE(tasks.empty());
    go.notify();
    CHECK_FALSE(test::run(loop, tasks.join()));
    CHECK(finished == 2);
    CHECK(tasks.empty());
}

TEST_CASE_METHOD(fixture, "the first failure stops the others and is the one reported",
                 "[task_group]") {
    task_group tasks{loop.get_executor()};
    tasks.spawn(sit());
    tasks.spawn(fail("disk gone"));
    tasks.spawn(fail_when_stopped());
    tasks.spawn(sit());
    loop.poll();
    go.notify();
    CHECK(what(test::run(loop, tasks.join())) == "disk gone");
    CHECK(stopped == 2);
}

TEST_CASE_METHOD(fixture, "being stopped is no failure", "[task_group]") {
    task_group tasks{loop.get_executor()};
    tasks.spawn(sit());
    tasks.spawn(sit());
    loop.poll();
    asio::post(loop, [&] { tasks.stop(); });
    CHECK_FALSE(test::run(loop, tasks.join()));
    CHECK(stopped == 2);
}

TEST_CASE_METHOD(fixture, "a task spawned after a stop ends at its first wait", "[task_group]") {
    task_group tasks{loop.get_executor()};
    SECTION("from outside the loop") {
        tasks.stop();
        tasks.spawn(sit());
        tasks.spawn(sit());
    }
    SECTION("from a handler") {
        asio::post(loop, [&] {
            tasks.stop();
            tasks.spawn(sit());
            tasks.spawn(sit());
        });
        loop.run_one();
    }
    CHECK_FALSE(test::run(loop, tasks.join()));
    CHECK(stopped == 2);
}

TEST_CASE_METHOD(fixture, "a task that has not begun when the group is stopped ends too",
                 "[task_group]") {
    task_group tasks{loop.get_executor()};
    asio::post(loop, [&] { tasks.stop(); });
    tasks.spawn(sit());
    tasks.spawn(finish_at_once());
    CHECK_FALSE(test::run(loop, tasks.join()));
    CHECK(stopped == 1);
    CHECK(finished == 1);
}

TEST_CASE_METHOD(fixture, "a task that stops the group in its first step ends in good order",
                 "[task_group]") {
    task_group tasks{loop.get_executor()};
    const auto give_up = [&]() -> asio::awaitable<void> {
        tasks.stop();
        ++finished;
        co_return;
    };
    tasks.spawn(sit());
    tasks.spawn(give_up());
    CHECK_FALSE(test::run(loop, tasks.join()));
    CHECK(stopped == 1);
    CHECK(finished == 1);
}

TEST_CASE_METHOD(fixture, "a late task does not make the others hear the stop again",
                 "[task_group]") {
    task_group tasks{loop.get_executor()};
    int stops_heard = 0;
    const auto tidy_up = [&]() -> asio::awaitable<void> {
        for (;;) {
            asio::steady_timer pause{loop, asio::steady_timer::time_point::max()};
            boost::system::error_code woken;
            if (stops_heard == 1) pause.expires_after(5ms);
            co_await asio::this_coro::throw_if_cancelled(false);
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            if (!woken) co_return;
            ++stops_heard;
            co_await asio::this_coro::reset_cancellation_state();
        }
    };
    tasks.spawn(tidy_up());
    loop.poll();
    asio::post(loop, [&] { tasks.stop(); });
    loop.poll();
    REQUIRE(stops_heard == 1);
    asio::post(loop, [&] { tasks.spawn(sit()); });
    CHECK_FALSE(test::run(loop, tasks.join()));
    CHECK(stops_heard == 1);
    CHECK(stopped == 1);
}

TEST_CASE_METHOD(fixture, "a stop from outside the loop may come too late for a task",
                 "[task_group]") {
    task_group tasks{loop.get_executor()};
    tasks.spawn(finish_on_go());
    tasks.spawn(sit());
    loop.poll();
    go.notify();   // queues the end of the first task ...
    tasks.stop();  // ... in front of this
    CHECK_FALSE(test::run(loop, tasks.join()));
    CHECK(stopped == 1);
}

TEST_CASE_METHOD(fixture, "a stop that is still queued does not touch a group that is gone",
                 "[task_group]") {
    {
        std::optional<task_group> tasks{loop.get_executor()};
        tasks->stop();
        tasks.reset();
    }
    CHECK(loop.poll() == 1);
}

/// A parent as the tree writes it: it is stopped and still sees its children end.
struct parent : fixture {
    bool children_ended = false;

    asio::awaitable<void> run() {
        task_group tasks{loop.get_executor()};
        tasks.spawn(sit());
        tasks.spawn(sit());
        co_await asio::this_coro::throw_if_cancelled(false);
        boost::system::error_code woken;
        asio::steady_timer never{loop, asio::steady_timer::time_point::max()};
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        tasks.stop();
        co_await tasks.join();
        children_ended = tasks.empty();
    }
    asio::awaitable<void> run_joining() {
        task_group tasks{loop.get_executor()};
        tasks.spawn(finish_on_go());
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await tasks.join();
        children_ended = tasks.empty();
    }
};

TEST_CASE_METHOD(parent, "a parent that was stopped can still join its tasks", "[task_group]") {
    test::background running{loop, run()};
    loop.poll();
    running.stop();
    CHECK(children_ended);
    CHECK(stopped == 2);
}

TEST_CASE_METHOD(parent, "a stop during the join does not end it before the tasks",
                 "[task_group]") {
    asio::cancellation_signal stop;
    bool ended = false;
    asio::co_spawn(
        loop, run_joining(),
        asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { ended = true; }));
    loop.poll();
    asio::post(loop, [&] { stop.emit(asio::cancellation_type::terminal); });
    loop.poll();
    CHECK_FALSE(ended);
    CHECK_FALSE(children_ended);
    go.notify();
    test::run_until(loop, [&] { return ended; });
    CHECK(children_ended);
    CHECK(finished == 1);
}

}  // namespace
}  // namespace logagent::async
