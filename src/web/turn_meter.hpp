#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>

namespace logagent::web {

/// How long one turn of the loop kept everything else waiting: the processor time between two
/// calls of turned(), which waiting for work costs none of. A machine that has no processor free
/// makes it no longer.
class turn_meter {
public:
    using duration = std::chrono::nanoseconds;

    /// A turn is over. Returns what it took.
    duration turned() noexcept {
        const auto now = used();
        const auto spent = now - before_;
        before_ = now;
        longest_ = std::max(longest_, spent);
        return spent;
    }

    /// Of all turns so far.
    duration longest() const noexcept { return longest_; }

private:
    static duration used() noexcept {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
    }

    duration before_ = used();
    duration longest_{};
};

}  // namespace logagent::web
