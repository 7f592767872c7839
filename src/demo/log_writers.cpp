#include "demo/log_writers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "logagent/os/clock.hpp"

namespace logagent::demo {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto step = 100ms;
constexpr auto between_rotations = 20s;

[[noreturn]] void fail(const std::string& what) {
    throw boost::system::system_error{errno, boost::system::system_category(), what};
}

os::unique_fd make_log(const std::string& path) {
    os::unique_fd file{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                              S_IRUSR | S_IWUSR | S_IRGRP)};
    if (!file) fail("open " + path);
    return file;
}

}  // namespace

log_writers::log_writers(asio::any_io_executor executor, const std::string& directory)
    : timer_{std::move(executor)} {
    std::uint32_t seed = 1;
    for (const auto& each : logs()) {
        const auto path = directory + "/" + std::string{each.path};
        std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
        writers_.push_back({&each, path, sample_source{each.kind, seed++}, make_log(path)});
    }
}

void log_writers::write(writer& one, double seconds) {
    one.owed += one.what->events_per_s * seconds;
    std::string text;
    for (; one.owed >= 1; --one.owed) {
        const auto event = one.source.next(os::wall_ms());
        text += event.text;
        lines_ += event.lines;
    }
    for (std::string_view left = text; !left.empty();) {
        const auto got = ::write(one.file.get(), left.data(), left.size());
        if (got < 0 && errno != EINTR) fail("write " + one.path);
        left.remove_prefix(static_cast<std::size_t>(std::max<::ssize_t>(got, 0)));
    }
}

void log_writers::rotate() {
    for (auto& one : writers_) {
        if (!one.what->rotates) continue;
        if (std::rename(one.path.c_str(), (one.path + ".1").c_str()) != 0)
            fail("rename " + one.path);
        one.file = make_log(one.path);
    }
}

asio::awaitable<void> log_writers::run() {
    auto last = std::chrono::steady_clock::now();
    auto rotation = last + between_rotations;
    for (;;) {
        timer_.expires_after(step);
        co_await timer_.async_wait(asio::use_awaitable);
        const auto now = std::chrono::steady_clock::now();
        const double seconds =
            std::chrono::duration<double>(now - std::exchange(last, now)).count();
        for (auto& one : writers_)
            write(one, seconds);
        if (now < rotation) continue;
        rotate();
        rotation = now + between_rotations;
    }
}

}  // namespace logagent::demo
