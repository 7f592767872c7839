#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace logagent::demo {

struct options {
    std::string etcd;                // the program
    std::string parent;              // an existing directory; everything lies in a new one below it
    std::chrono::seconds length{0};  // 0 = until asked to end
    std::uint16_t port = 0;          // of the pages; 0 = 9480, or a free one if that is taken
};

/// Where to look at what; known once the pages are there.
struct place {
    std::string directory;
    std::string page;   // http://127.0.0.1:9480
    std::string token;  // of an admin, for the pages and the API
    std::string kafka;  // the broker's address
    std::string etcd;   // etcd's
};

/// One file as its agent reports it.
struct file_row {
    std::string path;  // below the demo's directory
    std::string service;
    std::string state;
    double lines_per_s = 0;
    double bytes_per_s = 0;
    std::uint64_t send_rate = 0;  // 0 = no limit
    std::uint64_t lag_bytes = 0;
    std::uint64_t acked_bytes = 0;
};

struct host_row {
    std::string name;
    std::string address;  // the one that its key in etcd has
    std::string status;   // status_addr
    bool up = false;      // the agent answers
    std::vector<file_row> files;
    std::uint64_t lines_acked = 0;
    std::uint64_t unread_bytes = 0;
    std::uint64_t lost_bytes = 0;
};

struct progress {
    std::chrono::seconds at{0};
    std::uint64_t written = 0;  // lines, by the sample services
    std::vector<host_row> hosts;
};

struct result {
    progress last;
    bool interrupted = false;  // by a signal
    bool ready = false;        // the pages were there
    std::string failure;       // empty = none
};

/// Sees the run; called on its loop.
class observer {
public:
    virtual ~observer() = default;
    /// What is being waited for: "etcd", "the pages".
    virtual void waits_for(const std::string& what) = 0;
    virtual void ready(const place& where) = 0;
    /// False: nobody looks any more, so it ends.
    virtual bool progressed(const progress& now) = 0;
    /// Everything is being ended.
    virtual void ends() = 0;
};

/// Runs a broker, etcd, three agents, the pages and what writes the logs, on one machine and
/// without root; ends and removes all of it at the end, by a signal (a second one: at once) or by
/// itself. Runs a loop of its own. The process should end by _exit() afterwards: threads of the
/// embedded broker still run. Throws boost::system::system_error if there is no directory to be
/// had.
result run(const options& chosen, observer& seen);

}  // namespace logagent::demo
