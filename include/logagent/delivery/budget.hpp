#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace logagent::delivery {

/// Bytes in flight over all files, with a high and a low mark: the back-pressure of everything.
///
/// Once the limit is reached nothing more is read until three quarters of it are left, so that many
/// blocked files do not wake for every single acknowledgement (R-K4).
class budget {
public:
    explicit budget(std::uint64_t limit) noexcept : limit_{limit} {}

    void charge(std::uint64_t bytes) noexcept {
        used_ += bytes;
        peak_ = std::max(peak_, used_);
        if (used_ >= limit_) blocked_ = true;
    }
    void release(std::uint64_t bytes) noexcept {
        used_ -= bytes;
        if (used_ <= limit_ / 4 * 3) blocked_ = false;
    }

    /// No more may be read until the low mark is passed.
    bool blocked() const noexcept { return blocked_; }
    std::uint64_t used() const noexcept { return used_; }
    /// The most that was in use since the last call.
    std::uint64_t take_peak() noexcept { return std::exchange(peak_, used_); }
    std::uint64_t limit() const noexcept { return limit_; }
    std::uint64_t free() const noexcept { return used_ < limit_ ? limit_ - used_ : 0; }

private:
    std::uint64_t limit_;
    std::uint64_t used_ = 0;
    std::uint64_t peak_ = 0;
    bool blocked_ = false;
};

}  // namespace logagent::delivery
