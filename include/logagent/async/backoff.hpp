#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace logagent::async {

/// How long to wait before the next try: exponential with full jitter, so that many hosts that fail
/// together do not come back together. Pure; the caller waits.
class backoff {
public:
    using duration = std::chrono::steady_clock::duration;

    /// Waits are drawn from (0, limit], where limit starts at `first` and doubles up to `most`.
    backoff(duration first, duration most, std::uint64_t seed)
        : first_{first}, most_{most}, limit_{first}, random_{seed} {}

    /// The next wait; the one after it may be twice as long.
    duration next() {
        std::uniform_int_distribution<duration::rep> draw{1, limit_.count()};
        const duration wait{draw(random_)};
        limit_ = std::min(limit_ * 2, most_);
        return wait;
    }

    /// After a success: the next failure begins with a short wait again.
    void reset() noexcept { limit_ = first_; }

private:
    duration first_;
    duration most_;
    duration limit_;
    std::minstd_rand random_;
};

}  // namespace logagent::async
