#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <string>

#include "logagent/os/unique_fd.hpp"
#include "logagent/selftest/selftest.hpp"
#include "selftest/ledger.hpp"

namespace logagent::selftest {

/// What a writer may do now; asked before each step.
struct permissions {
    std::function<bool()> write;
    std::function<bool()> remove;  // the log, with what the agent has not read in it
    std::function<void(std::uint32_t life)> removed;
};

/// A service that writes a log with small appends, some in two parts, and rotates it now and then
/// in one way. Its writes block: the loop is that of a test, and the file is local.
class log_writer {
public:
    using clock = std::chrono::steady_clock;

    /// `number` of the writer in the ledger. Makes the log at once.
    log_writer(boost::asio::any_io_executor executor, ledger& book, std::uint32_t number,
               rotation kind, std::string path, permissions may, std::uint64_t seed);

    /// Writes until it is stopped. Throws boost::system::system_error when the disk refuses.
    boost::asio::awaitable<void> run();

    /// Writes the rest of a line that was begun, after run() has ended.
    void finish();

    const std::string& path() const { return path_; }
    std::uint64_t rotations() const { return rotations_; }

private:
    struct old_file {
        std::uint32_t life;
        clock::time_point complete{};  // since when all of it is delivered; the epoch = it is not
    };

    std::uint64_t random(std::uint64_t least, std::uint64_t most);
    boost::asio::awaitable<void> pause(clock::duration time);
    os::unique_fd make_log() const;
    void append(std::string_view bytes);
    void put_line();
    boost::asio::awaitable<void> put_in_two_parts();
    std::string old_name(std::size_t index) const;
    void shift_old_files();

    boost::asio::awaitable<void> rotate();
    void rename_log();
    boost::asio::awaitable<void> rename_and_go_on();
    boost::asio::awaitable<void> copy_and_truncate();
    boost::asio::awaitable<std::uint64_t> copy_log();
    void remove_log();

    ledger& ledger_;
    std::uint32_t number_;
    rotation kind_;
    std::string path_;
    permissions may_;
    std::minstd_rand random_;
    boost::asio::steady_timer timer_;
    os::unique_fd log_;
    std::string rest_;          // of a line that was begun
    std::deque<old_file> old_;  // PATH.1 is the first
    std::uint64_t rotations_ = 0;
};

}  // namespace logagent::selftest
