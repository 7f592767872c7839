#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace logagent::os {

/// This very program in a process of its own, for work that may wait for the disk or keep a
/// processor busy. It yields to everything else (nice, input and output, memory), ends with us
/// however we end, and what it prints is read line by line.
class child_process {
public:
    using clock = std::chrono::steady_clock;

    static constexpr std::size_t longest_line = 256 << 10;

    explicit child_process(boost::asio::any_io_executor executor);
    /// Kills it if it still runs.
    ~child_process();
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    /// `words` follow the program's name. Standard input is empty, standard error is ours. Once in
    /// the life of the object; returns 0 or an errno.
    int start(std::vector<std::string> words);

    /// The next line of its standard output, without the line end; empty = there are no more, since
    /// it has ended or closed it, or since a line was too long.
    boost::asio::awaitable<std::optional<std::string>> next_line();

    /// Waits for its end and kills it at `deadline`.
    boost::asio::awaitable<void> wait(clock::time_point deadline);

    /// SIGTERM now, SIGKILL at `deadline`; whoever reads its lines learns of the end.
    void stop(clock::time_point deadline);

    bool running() const noexcept { return pid_ > 0; }
    pid_t id() const noexcept { return pid_; }
    /// "ended with 2", "was killed by signal 11"; after wait().
    const std::string& end() const noexcept { return end_; }
    bool ended_well() const noexcept { return end_ == "ended with 0"; }

private:
    void signal(int number);
    void reap();

    boost::asio::posix::stream_descriptor output_;
    boost::asio::steady_timer look_;   // whether it has ended
    boost::asio::steady_timer limit_;  // then it is killed
    std::string read_;                 // not taken as lines yet
    std::string end_;
    pid_t pid_ = -1;
};

}  // namespace logagent::os
