#include "logagent/os/inotify.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>

#include "logagent/os/unique_fd.hpp"
#include "os/temporary_directory.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

using logagent::os::inotify;
using logagent::os::unique_fd;
using change = inotify::change;
using namespace std::chrono_literals;

namespace {

using seen = std::tuple<change, std::string, std::string>;

struct fixture {
    boost::asio::io_context loop;
    inotify notify{loop.get_executor()};
    logagent::test::temporary_directory directory;
    std::string a = directory / "a";

    fixture() {
        REQUIRE(::mkdir(a.c_str(), 0700) == 0);
        REQUIRE(notify.watch(a) == 0);
    }

    /// What is queued now, without repetitions of one and the same.
    std::vector<seen> take() {
        std::vector<seen> out;
        const auto collect = [&](change what, std::string_view in, std::string_view name) {
            seen event{what, in, name};
            if (out.empty() || out.back() != event) out.push_back(std::move(event));
        };
        while (notify.read(collect)) {
        }
        return out;
    }

    std::vector<seen> expect(std::vector<std::pair<change, std::string>> events) const {
        std::vector<seen> out;
        for (auto& [what, name] : events)
            out.emplace_back(what, a, name);
        return out;
    }

    unique_fd writer(const std::string& name) const {
        return unique_fd{
            ::open((a + "/" + name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    }
};

void write_to(const unique_fd& fd) {
    REQUIRE(::write(fd.get(), "x\n", 2) == 2);
}

}  // namespace

TEST_CASE("the life of a log file is told in order", "[inotify]") {
    fixture f;
    auto fd = f.writer("x.log");
    write_to(fd);
    CHECK(f.take() == f.expect({{change::appeared, "x.log"}, {change::written, "x.log"}}));

    SECTION("rotation by renaming, with late writes to the old file") {
        REQUIRE(::rename((f.a + "/x.log").c_str(), (f.a + "/x.log.1").c_str()) == 0);
        write_to(fd);
        CHECK(f.take() == f.expect({{change::vanished, "x.log"},
                                    {change::appeared, "x.log.1"},
                                    {change::written, "x.log.1"}}));
    }
    SECTION("another file renamed over it") {
        f.writer("y");
        REQUIRE(::rename((f.a + "/y").c_str(), (f.a + "/x.log").c_str()) == 0);
        CHECK(f.take() ==
              f.expect(
                  {{change::appeared, "y"}, {change::vanished, "y"}, {change::appeared, "x.log"}}));
    }
    SECTION("deleted, and written to by a program that still holds it") {
        REQUIRE(::unlink((f.a + "/x.log").c_str()) == 0);
        write_to(fd);
        CHECK(f.take() == f.expect({{change::vanished, "x.log"}, {change::written, "x.log"}}));
    }
    SECTION("truncated") {
        REQUIRE(::truncate((f.a + "/x.log").c_str(), 0) == 0);
        CHECK(f.take() == f.expect({{change::written, "x.log"}}));
    }
    SECTION("its mode changed") {
        REQUIRE(::chmod((f.a + "/x.log").c_str(), 0) == 0);
        CHECK(f.take() == f.expect({{change::attributes, "x.log"}}));
    }
}

TEST_CASE("a directory that goes away ends its watch and can be watched again", "[inotify]") {
    fixture f;
    SECTION("deleted") {
        REQUIRE(::rmdir(f.a.c_str()) == 0);
    }
    SECTION("renamed") {
        REQUIRE(::rename(f.a.c_str(), (f.directory / "b").c_str()) == 0);
    }
    CHECK(f.take() == f.expect({{change::unwatched, ""}}));
    CHECK(f.notify.watches() == 0);
    f.notify.unwatch(f.a);  // of a watch that has ended: nothing

    CHECK(f.notify.watch(f.a) == ENOENT);
    REQUIRE(::mkdir(f.a.c_str(), 0700) == 0);
    CHECK(f.notify.watch(f.a) == 0);
    f.writer("new");
    CHECK(f.take() == f.expect({{change::appeared, "new"}}));
}

TEST_CASE("watches are counted", "[inotify]") {
    fixture f;
    REQUIRE(f.notify.watch(f.a) == 0);
    CHECK(f.notify.watches() == 1);
    f.notify.unwatch(f.a);
    f.writer("x");
    CHECK(f.take().size() == 1);
    f.notify.unwatch(f.a);
    CHECK(f.notify.watches() == 0);
    f.writer("y");
    CHECK(f.take().empty());
}

TEST_CASE("two names of one directory are both told", "[inotify]") {
    fixture f;
    const auto link = f.directory / "link";
    REQUIRE(::symlink("a", link.c_str()) == 0);
    REQUIRE(f.notify.watch(link) == 0);
    CHECK(f.notify.watches() == 1);
    f.writer("x");
    CHECK(f.take() ==
          std::vector<seen>{{change::appeared, f.a, "x"}, {change::appeared, link, "x"}});
    f.notify.unwatch(f.a);
    f.writer("y");
    CHECK(f.take() == std::vector<seen>{{change::appeared, link, "y"}});
}

TEST_CASE("a file cannot be watched as a directory", "[inotify]") {
    fixture f;
    CHECK(f.notify.watch(f.directory.file("plain")) == ENOTDIR);
}

TEST_CASE("a queue that overflows says so and watching goes on", "[inotify]") {
    fixture f;
    const auto one = f.writer("one");
    const auto two = f.writer("two");
    f.take();
    // Only equal neighbours merge, so two files in turns fill the queue (16384 by default).
    std::ifstream limit{"/proc/sys/fs/inotify/max_queued_events"};
    std::size_t most = 16384;
    limit >> most;
    REQUIRE(most <= 1'000'000);
    for (std::size_t i = 0; i < most / 2 + 100; ++i) {
        write_to(one);
        write_to(two);
    }
    // A directory that disappears unseen is found out as well.
    const auto gone = f.directory / "gone";
    REQUIRE(::mkdir(gone.c_str(), 0700) == 0);
    REQUIRE(f.notify.watch(gone) == 0);
    REQUIRE(::rmdir(gone.c_str()) == 0);

    const auto events = f.take();
    const auto count = [&](const seen& event) {
        return std::count(events.begin(), events.end(), event);
    };
    CHECK(count({change::overflow, "", ""}) == 1);
    CHECK(count({change::unwatched, gone, ""}) == 1);
    CHECK(f.notify.watches() == 1);
    write_to(one);
    CHECK(f.take() == f.expect({{change::written, "one"}}));
}

TEST_CASE("one call of read gives no more events than it was asked for", "[inotify]") {
    fixture f;
    for (int i = 0; i < 10; ++i)
        f.writer(std::to_string(i));
    std::size_t events = 0;
    const auto count = [&](change, std::string_view, std::string_view) { ++events; };
    CHECK(f.notify.read(count, 4));
    CHECK(events == 4);
    // What was taken from the kernel already is not waited for.
    logagent::test::run(f.loop, f.notify.wait());
    CHECK_FALSE(f.notify.read(count, 100));
    CHECK(events == 10);
}

TEST_CASE("a handler may end the watch it is called for", "[inotify]") {
    fixture f;
    f.writer("x");
    f.writer("y");
    std::size_t events = 0;
    const auto leave = [&](change, std::string_view in, std::string_view) {
        ++events;
        f.notify.unwatch(std::string{in});
    };
    while (f.notify.read(leave)) {
    }
    CHECK(events == 1);
    CHECK(f.notify.watches() == 0);
}

TEST_CASE("events that follow the first do not even wake the thread", "[inotify]") {
    fixture f;
    const unique_fd files[] = {f.writer("x"), f.writer("y")};
    f.take();
    write_to(files[0]);
    logagent::test::run(f.loop, f.notify.wait());

    // Another process writes all the time while this one only waits for its timer; two files in
    // turns, because equal events in a row become one.
    const auto writer = ::fork();
    if (writer == 0) {
        for (int i = 0;; i = 1 - i) {
            if (::write(files[i].get(), "x", 1) != 1) ::_exit(1);
            ::usleep(500);
        }
    }
    const auto switches = [] {
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        return usage.ru_nvcsw;
    };
    boost::asio::steady_timer window{f.loop, 200ms};
    bool over = false;
    window.async_wait([&](auto) { over = true; });
    const auto before = switches();
    logagent::test::run_until(f.loop, [&] { return over; });
    const auto during = switches() - before;
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    CHECK(during < 50);
    CHECK(f.take().size() > 50);
}

TEST_CASE("events wake a waiter once, however many follow", "[inotify]") {
    fixture f;
    const auto fd = f.writer("x");
    f.take();
    int wakes = 0;
    const auto waiting = [&]() -> boost::asio::awaitable<void> {
        for (;;) {
            co_await f.notify.wait();
            ++wakes;
            boost::asio::steady_timer window{f.loop, 50ms};
            co_await window.async_wait(boost::asio::use_awaitable);
            while (f.notify.read([](change, std::string_view, std::string_view) {})) {
            }
        }
    };
    logagent::test::background task{f.loop, waiting()};
    f.loop.poll();
    CHECK(wakes == 0);
    write_to(fd);
    logagent::test::run_until(f.loop, [&] { return wakes == 1; });
    boost::asio::steady_timer later{f.loop, 60ms};
    bool over = false;
    later.async_wait([&](auto) { over = true; });
    logagent::test::run_until(f.loop, [&] { return over; });
    write_to(fd);
    logagent::test::run_until(f.loop, [&] { return wakes == 2; });
}
