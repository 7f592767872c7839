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
        : first_{first}, most_{most}, limit_{first}, random_{mixed(seed)} {}

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
    /// Seeds that are close together must not give first waits that are (splitmix64's last steps).
    static std::uint32_t mixed(std::uint64_t seed) noexcept {
        seed += 0x9e3779b97f4a7c15;
        seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
        seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
        return static_cast<std::uint32_t>(seed >> 32);
    }

    duration first_;
    duration most_;
    duration limit_;
    std::minstd_rand random_;
};

}  // namespace logagent::async
