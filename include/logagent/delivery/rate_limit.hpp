#pragma once

#include <chrono>
#include <cstdint>

namespace logagent::delivery {

using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

/// A token bucket whose burst is 100 ms of the rate, or one token where that is less. Time is a
/// parameter; nothing waits here. A rate of 0 means unlimited.
class token_bucket {
public:
    explicit token_bucket(std::uint64_t per_second, time_point now);

    /// Takes effect at once; what was saved up is kept as far as the new burst allows.
    void set_rate(std::uint64_t per_second, time_point now);

    bool unlimited() const noexcept { return rate_ == 0; }
    std::uint64_t rate() const noexcept { return rate_; }

    /// Whole tokens that may be spent now.
    std::uint64_t available(time_point now);

    /// Spends tokens. More than available() puts the bucket into debt: one line that is larger than
    /// the burst must pass some time, and the debt makes up for it.
    void spend(std::uint64_t tokens, time_point now);

    /// When it is worth asking again: at least one token, and as many as 20 ms bring, so that a
    /// fast file does not wake for every line.
    time_point ready_at(time_point now);

private:
    void refill(time_point now);

    std::uint64_t rate_;
    double burst_ = 0;
    double tokens_ = 0;
    time_point filled_;
};

/// Limits of one file: lines and bytes per second; delays, never drops.
class rate_limit {
public:
    rate_limit(std::uint64_t lines_per_second, std::uint64_t bytes_per_second, time_point now)
        : lines_{lines_per_second, now}, bytes_{bytes_per_second, now} {}

    void set_rates(std::uint64_t lines_per_second, std::uint64_t bytes_per_second, time_point now) {
        lines_.set_rate(lines_per_second, now);
        bytes_.set_rate(bytes_per_second, now);
    }

    struct allowance {
        std::uint64_t lines;  // max = unlimited
        std::uint64_t bytes;  // the last line may exceed it; 0 = nothing may pass
    };
    allowance available(time_point now);
    void spend(std::uint64_t lines, std::uint64_t bytes, time_point now);
    time_point ready_at(time_point now);
    bool unlimited() const noexcept { return lines_.unlimited() && bytes_.unlimited(); }
    /// 0 = unlimited.
    std::uint64_t lines_per_second() const noexcept { return lines_.rate(); }
    std::uint64_t bytes_per_second() const noexcept { return bytes_.rate(); }

private:
    token_bucket lines_;
    token_bucket bytes_;
};

}  // namespace logagent::delivery
