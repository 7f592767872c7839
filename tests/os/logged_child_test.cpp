#include "logagent/os/logged_child.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <iterator>

#include "logagent/async/task_group.hpp"
#include "os/temporary_directory.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

using logagent::os::logged_child;
using logagent::test::temporary_directory;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace test = logagent::test;

namespace {

std::string content(const std::string& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// Runs `use` while the child's end is watched.
template <class Use>
void watched(logged_child& child, asio::io_context& loop, Use use) {
    auto whole = [](logged_child& which, asio::io_context& on, Use what) -> asio::awaitable<void> {
        logagent::async::task_group tasks{on.get_executor()};
        tasks.spawn(which.watch());
        co_await what();
        tasks.stop();
        co_await tasks.join();
    };
    test::run(loop, whole(child, loop, std::move(use)));
}

}  // namespace

TEST_CASE("a logged child is any program, and what it prints is appended", "[logged_child]") {
    const temporary_directory place;
    const auto log = place.path() + "/out";
    asio::io_context loop;
    logged_child child{loop.get_executor(), log};
    for (int i = 0; i < 2; ++i) {
        child.start({"-c", "echo printed; echo wrong >&2; exit 3"}, "/bin/sh");
        watched(child, loop, [&]() -> asio::awaitable<void> {
            const auto deadline = logged_child::clock::now() + 10s;
            while (child.running() && logged_child::clock::now() < deadline) {
                asio::steady_timer timer{loop, 5ms};
                co_await timer.async_wait(asio::use_awaitable);
            }
        });
        CHECK(child.own_end() == "ended with 3");
    }
    CHECK(content(log) == "printed\nwrong\nprinted\nwrong\n");
}

TEST_CASE("a logged child that ignores SIGTERM is killed at the deadline", "[logged_child]") {
    const temporary_directory place;
    const auto log = place.path() + "/out";
    asio::io_context loop;
    logged_child child{loop.get_executor(), log};
    child.start({"-c", "trap '' TERM; echo here; while :; do sleep 1; done"}, "/bin/sh");
    watched(child, loop, [&]() -> asio::awaitable<void> {
        while (content(log).empty()) {
            asio::steady_timer timer{loop, 5ms};
            co_await timer.async_wait(asio::use_awaitable);
        }
        const auto deadline = logged_child::clock::now() + 100ms;
        const bool in_time = co_await child.stop(deadline);
        CHECK_FALSE(in_time);
    });
    CHECK_FALSE(child.running());
    CHECK(child.own_end().empty());
}

TEST_CASE("a program that is not there is one that ends", "[logged_child]") {
    const temporary_directory place;
    asio::io_context loop;
    logged_child child{loop.get_executor(), place.path() + "/out"};
    child.start({}, "/no/such/program");
    watched(child, loop, [&]() -> asio::awaitable<void> {
        const auto deadline = logged_child::clock::now() + 10s;
        while (child.running() && logged_child::clock::now() < deadline) {
            asio::steady_timer timer{loop, 5ms};
            co_await timer.async_wait(asio::use_awaitable);
        }
    });
    CHECK(child.own_end() == "ended with 127");
}
