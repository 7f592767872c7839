#pragma once

#include <chrono>
#include <cstdint>

namespace logagent::agent {

/// How long file events gather before files are read (read_window_ms). While the host makes more
/// than 50 ProduceRequests a second the window doubles, up to 200 ms, and it goes back when the
/// requests have become few; fewer and larger requests cost less CPU on both sides. Pure; fed once
/// a second.
class read_window {
public:
    explicit read_window(std::chrono::milliseconds least) : least_{least}, now_{least} {}

    /// `requests`: how many were made since the start of the process.
    void second_passed(std::uint64_t requests);

    std::chrono::milliseconds length() const noexcept { return now_; }
    double requests_per_s() const noexcept { return rate_; }

private:
    std::chrono::milliseconds least_;  // 0 = no window at all, ever
    std::chrono::milliseconds now_;
    std::uint64_t seen_ = 0;
    double rate_ = 0;
};

}  // namespace logagent::agent
