#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "logagent/async/event.hpp"

namespace logagent::os {

/// A program in a process of its own that may be started, killed and started again, with what it
/// prints in a file. It ends with us, however we end, and has a process group of its own, so that
/// Ctrl-C is ours alone.
class logged_child {
public:
    using clock = std::chrono::steady_clock;

    /// Both output streams are appended to `log`.
    logged_child(boost::asio::any_io_executor executor, std::string log);
    /// Kills it if it still runs.
    ~logged_child();
    logged_child(const logged_child&) = delete;
    logged_child& operator=(const logged_child&) = delete;

    /// `words` follow the program's name; `program` is a path, by default our own. Throws
    /// boost::system::system_error when there is no process to be had.
    void start(std::vector<std::string> words, const std::string& program = own_program);
    static constexpr const char* own_program = "/proc/self/exe";
    bool running() const { return pid_ > 0; }

    /// SIGKILL; returns when it is gone.
    boost::asio::awaitable<void> kill();

    /// SIGTERM; returns whether it was gone by itself at `deadline`. Otherwise it is killed.
    boost::asio::awaitable<bool> stop(clock::time_point deadline);

    /// Notices its end, until stopped; the other coroutines need it running.
    boost::asio::awaitable<void> watch();

    /// "ended with 2", "was killed by signal 11": how it ended when nobody here asked it to; empty
    /// = it did not.
    const std::string& own_end() const { return own_end_; }

private:
    void reap();
    boost::asio::awaitable<bool> wait_for_end(clock::time_point deadline);

    std::string log_;
    boost::asio::signal_set ends_;
    async::event ended_;
    pid_t pid_ = -1;
    bool asked_ = false;  // to end
    std::string own_end_;
};

}  // namespace logagent::os
