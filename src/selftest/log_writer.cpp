#include "selftest/log_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstdio>

namespace logagent::selftest {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto tick = 10ms;
constexpr std::uint64_t lines_a_tick = 4;
constexpr std::size_t old_files = 8;
// An agent that was killed knows less than was delivered, by a second; it must still find the file.
constexpr auto old_file_stays = 5s;

[[noreturn]] void fail(const std::string& what) {
    throw boost::system::system_error{errno, boost::system::system_category(), what};
}

}  // namespace

log_writer::log_writer(asio::any_io_executor executor, ledger& book, std::uint32_t number,
                       rotation kind, std::string path, permissions may, std::uint64_t seed)
    : ledger_{book},
      number_{number},
      kind_{kind},
      path_{std::move(path)},
      may_{std::move(may)},
      random_{static_cast<std::uint32_t>(seed)},
      timer_{executor},
      log_{make_log()} {}

std::uint64_t log_writer::random(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>{least, most}(random_);
}

asio::awaitable<void> log_writer::pause(clock::duration time) {
    timer_.expires_after(time);
    co_await timer_.async_wait(asio::use_awaitable);
}

os::unique_fd log_writer::make_log() const {
    os::unique_fd log{
        ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
    if (!log) fail("create " + path_);
    return log;
}

void log_writer::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto size = ::write(log_.get(), bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) fail("write to " + path_);
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
}

void log_writer::put_line() {
    append(ledger_.text(ledger_.next(number_)) + '\n');
    ledger_.written(number_);
}

asio::awaitable<void> log_writer::put_in_two_parts() {
    const auto line = ledger_.text(ledger_.next(number_)) + '\n';
    const auto first = random(1, line.size() - 1);
    append(std::string_view{line}.substr(0, first));
    rest_ = line.substr(first);
    const auto time = std::chrono::milliseconds{random(1, 30)};
    co_await pause(time);
    finish();
}

void log_writer::finish() {
    if (rest_.empty()) return;
    append(rest_);
    rest_.clear();
    ledger_.written(number_);
}

asio::awaitable<void> log_writer::run() {
    auto next_rotation = clock::now() + std::chrono::milliseconds{random(600, 1200)};
    for (;;) {
        co_await pause(tick);
        if (!may_.write()) continue;
        const auto lines = random(0, 200) == 0 ? 50 * lines_a_tick : random(0, 2 * lines_a_tick);
        for (std::uint64_t line = 0; line < lines; ++line)
            put_line();
        if (random(0, 20) == 0) co_await put_in_two_parts();
        if (clock::now() < next_rotation || ledger_.next(number_).start == 0) continue;
        if (kind_ == rotation::remove && !may_.remove()) continue;
        co_await rotate();
        ++rotations_;
        next_rotation = clock::now() + std::chrono::milliseconds{random(700, 1800)};
    }
}

asio::awaitable<void> log_writer::rotate() {
    switch (kind_) {
        case rotation::rename:
            rename_log();
            log_ = make_log();
            ledger_.rotated(number_);
            break;
        case rotation::rename_late:
            co_await rename_and_go_on();
            break;
        case rotation::copy_truncate:
            co_await copy_and_truncate();
            break;
        case rotation::remove:
            remove_log();
            break;
    }
}

std::string log_writer::old_name(std::size_t index) const {
    return path_ + "." + std::to_string(index + 1);
}

/// As logrotate does: PATH.1 becomes PATH.2 and so on. What is too old goes, but never before it
/// has arrived.
void log_writer::shift_old_files() {
    const auto now = clock::now();
    for (auto& old : old_)
        if (old.complete == clock::time_point{} && ledger_.complete(number_, old.life))
            old.complete = now;
    while (old_.size() >= old_files && old_.back().complete != clock::time_point{} &&
           now - old_.back().complete >= old_file_stays) {
        if (::unlink(old_name(old_.size() - 1).c_str()) != 0)
            fail("delete an old file of " + path_);
        old_.pop_back();
    }
    for (auto index = old_.size(); index > 0; --index)
        if (std::rename(old_name(index - 1).c_str(), old_name(index).c_str()) != 0)
            fail("rename " + old_name(index - 1));
    old_.push_front({ledger_.life(number_)});
}

void log_writer::rename_log() {
    shift_old_files();
    if (std::rename(path_.c_str(), old_name(0).c_str()) != 0) fail("rename " + path_);
}

/// The new log is there at once, as with logrotate's `create`; the writer takes it up when it gets
/// round to it.
asio::awaitable<void> log_writer::rename_and_go_on() {
    rename_log();
    auto next = make_log();
    const auto late = random(2, 40);
    for (std::uint64_t step = 0; step < late; ++step) {
        co_await pause(tick);
        if (may_.write()) put_line();
    }
    log_ = std::move(next);
    ledger_.rotated(number_);
}

asio::awaitable<void> log_writer::copy_and_truncate() {
    shift_old_files();
    const auto copied = co_await copy_log();
    const auto late = random(0, 3);
    for (std::uint64_t line = 0; line < late; ++line)
        put_line();
    const auto time = std::chrono::milliseconds{random(0, 5)};
    co_await pause(time);
    if (::ftruncate(log_.get(), 0) != 0) fail("truncate " + path_);
    ledger_.truncated(number_, copied);
}

/// Copies until it has seen the end, while lines are added. Returns how many bytes are in the copy.
asio::awaitable<std::uint64_t> log_writer::copy_log() {
    const os::unique_fd from{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!from) fail("open " + path_);
    const auto name = old_name(0);
    const os::unique_fd to{::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
    if (!to) fail("create " + name);
    std::array<char, 16384> block;
    std::uint64_t copied = 0;
    for (;;) {
        const auto size = ::read(from.get(), block.data(), block.size());
        if (size < 0) fail("read " + path_);
        if (size == 0) break;
        if (::write(to.get(), block.data(), static_cast<std::size_t>(size)) != size)
            fail("write to " + name);
        copied += static_cast<std::uint64_t>(size);
        if (size < static_cast<ssize_t>(block.size())) continue;
        put_line();
        co_await pause(1ms);
    }
    co_return copied;
}

void log_writer::remove_log() {
    const auto life = ledger_.life(number_);
    if (::unlink(path_.c_str()) != 0) fail("delete " + path_);
    log_ = make_log();
    ledger_.rotated(number_);
    may_.removed(life);
}

}  // namespace logagent::selftest
