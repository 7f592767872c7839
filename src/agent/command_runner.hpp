#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "logagent/etcd/client.hpp"
#include "logagent/os/disk.hpp"

namespace logagent::agent {

/// What commands are about, and where they come from.
struct command_surroundings {
    std::string prefix;    // of all keys in etcd: "/logagent/"
    std::string instance;  // of this agent
    /// The name under which this agent reports now; empty = not known yet.
    std::function<std::string()> host;
    std::string state_file;                 // empty = nothing is kept over a restart
    std::vector<std::string> replay_words;  // for a replay's process: -c and --set of this agent
    std::chrono::seconds shutdown_timeout{10};
    std::uint64_t max_send_rate_bytes = 0;  // of the host; 0 = none
    /// What is left of it for the files while a replay runs.
    std::function<void(std::uint64_t bytes_per_second)> limit_files;
    os::disk* disk = nullptr;
    std::function<void()> sweep;
    std::function<bool()> swept;
    std::function<std::size_t()> file_count;
    std::function<bool()> forget_vanished;
};

/// Takes commands from `_cmd/<host>/` in etcd, carries them out and answers in `_result/<host>/`.
///
/// A replay runs in a process of its own, since it waits for disks and unpacks files; one at a
/// time. It has a quarter of the host's ceiling, and the files have the rest.
class command_runner {
public:
    command_runner(boost::asio::any_io_executor executor, etcd::client& etcd,
                   command_surroundings around);
    ~command_runner();

    /// Runs until stopped.
    boost::asio::awaitable<void> run();

    /// Begins nothing more and asks a replay's process to end; after a restart it goes on.
    void wind_down(std::chrono::steady_clock::time_point deadline);
    /// There is no process.
    bool idle() const;

private:
    class actor;
    std::unique_ptr<actor> actor_;
};

}  // namespace logagent::agent
