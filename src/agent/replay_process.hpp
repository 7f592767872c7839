#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "command_book.hpp"
#include "logagent/os/child_process.hpp"

namespace logagent::agent {

/// One replay in its process, and what its end means.
class replay_process {
public:
    using clock = std::chrono::steady_clock;

    explicit replay_process(boost::asio::any_io_executor executor) : child_{executor} {}

    /// `words` follow `logagent`. Returns 0 or an errno.
    int start(std::vector<std::string> words) { return child_.start(std::move(words)); }

    /// What it says next; empty = it has ended.
    boost::asio::awaitable<std::optional<replay_line>> next();

    /// Asks it to end; at `deadline` it is killed. `cancelled`: nobody wants the replay any more.
    void stop(clock::time_point deadline, bool cancelled);
    bool cancelled() const noexcept { return cancelled_; }

    /// After its end: what the replay came to. Empty = the process was told to end by one who did
    /// not mean the replay (this agent at its stop, or the service manager, which tells all
    /// processes of a service at once), so it has to go on.
    std::optional<command_outcome> outcome() const;

private:
    os::child_process child_;
    std::optional<replay_line> last_;
    bool asked_ = false;
    bool cancelled_ = false;
};

}  // namespace logagent::agent
