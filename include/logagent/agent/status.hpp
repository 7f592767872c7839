#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "logagent/agent/config_report.hpp"
#include "logagent/http/server.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/os/confinement.hpp"
#include "logagent/tail/collector.hpp"

namespace logagent::agent {

/// Where the status gets its values; the functions are called at each request, and all must be set.
struct status_inputs {
    std::string host;
    std::string instance;
    std::string version;
    std::int64_t started_ms = 0;                   // wall clock
    std::vector<os::confinement_layer> hardening;  // none = it is off
    std::function<std::vector<std::string>()> ips;
    std::function<const config_report&()> config;
    const tail::collector* collector = nullptr;
    std::function<kafka::producer_state()> kafka;
    std::function<double()> requests_per_s;        // ProduceRequests
    std::function<std::string()> journal_problem;  // empty = it is written as it should
    std::function<double()> longest_stall_s;
    std::function<std::vector<std::pair<std::string, std::string>>()> more_problems;  // code, text
    std::function<std::chrono::steady_clock::time_point()> now;
    std::function<std::int64_t()> wall_ms;
};

/// What this host tells about itself: /status, /metrics, /healthz, /readyz, and the value of
/// _status/<host>. Long answers are written in slices of about a hundred files, so that a
/// scrape of a host with 20,000 files does not stall the loop.
class status_pages {
public:
    explicit status_pages(status_inputs inputs);
    ~status_pages();
    status_pages(status_pages&&) noexcept;
    status_pages& operator=(status_pages&&) noexcept;

    /// The routes for http::server. They and the answers under way refer to this object's state, so
    /// the server must be gone before it.
    std::vector<http::route> routes();

    /// The value of _status/<host>: one JSON object of at most 16 KiB, whatever the host holds.
    /// Looks at every file, so it is not for each second.
    std::string summary() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace logagent::agent
