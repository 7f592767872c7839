#include "logagent/os/child_process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "support/run.hpp"
#include "support/test.hpp"

using logagent::os::child_process;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace test = logagent::test;

// The child is this program of tests, asked for one of the first two.

TEST_CASE("a child that waits for its end", "[.child_that_waits]") {
    std::printf("nice %d\n", ::getpriority(PRIO_PROCESS, 0));
    std::printf("stdin %d\n", std::getchar());
    std::fflush(stdout);
    ::pause();
}

TEST_CASE("a child that does not want to end", "[.child_that_stays]") {
    std::signal(SIGTERM, SIG_IGN);
    std::printf("here\n");
    std::fflush(stdout);
    for (;;)
        ::pause();
}

namespace {

std::optional<std::string> line(asio::io_context& loop, child_process& from) {
    return test::run(loop, from.next_line());
}

void end(asio::io_context& loop, child_process& which) {
    while (line(loop, which)) {
    }
    test::run(loop, which.wait(std::chrono::steady_clock::now() + 10s));
    CHECK_FALSE(which.running());
}

}  // namespace

TEST_CASE("a child's lines are read one by one until it has ended", "[child_process]") {
    asio::io_context loop;
    child_process child{loop.get_executor()};
    REQUIRE(child.start({"--list-test-names-only", "[.child_that_stays]"}) == 0);
    CHECK(line(loop, child) == "a child that does not want to end");
    end(loop, child);
    CHECK(child.end() == "ended with 1");  // the number of tests listed
    CHECK_FALSE(child.ended_well());
}

TEST_CASE("a child yields to others and has nothing to read", "[child_process]") {
    asio::io_context loop;
    child_process child{loop.get_executor()};
    REQUIRE(child.start({"[.child_that_waits]"}) == 0);
    auto said = line(loop, child);
    while (said && !said->starts_with("nice"))
        said = line(loop, child);
    REQUIRE(said);
    CHECK(std::stoi(said->substr(5)) >= 10);
    CHECK(line(loop, child) == "stdin -1");
    child.stop(std::chrono::steady_clock::now() + 10s);
    end(loop, child);
    CHECK(child.end() == "was killed by signal 15");
}

TEST_CASE("a child that does not end when it is asked to is killed", "[child_process]") {
    asio::io_context loop;
    child_process child{loop.get_executor()};
    REQUIRE(child.start({"[.child_that_stays]"}) == 0);
    auto said = line(loop, child);
    while (said && *said != "here")
        said = line(loop, child);
    child.stop(std::chrono::steady_clock::now() + 50ms);
    end(loop, child);
    CHECK(child.end() == "was killed by signal 9");
}

TEST_CASE("a child does not outlive its owner", "[child_process]") {
    asio::io_context loop;
    std::optional<child_process> child{std::in_place, loop.get_executor()};
    REQUIRE(child->start({"[.child_that_stays]"}) == 0);
    const auto pid = child->id();
    REQUIRE(::kill(pid, 0) == 0);
    child.reset();
    CHECK(::kill(pid, 0) != 0);
}
