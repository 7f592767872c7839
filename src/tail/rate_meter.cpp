#include "logagent/tail/rate_meter.hpp"

#include <algorithm>
#include <chrono>

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;

constexpr auto slot = 5s;

}  // namespace

void rate_meter::note(delivery::time_point now, std::uint64_t lines, std::uint64_t bytes) noexcept {
    if (now - slot_ >= slot) {
        const bool next = now - slot_ < 2 * slot;
        last_lines_ = next ? lines_ : 0;
        last_bytes_ = next ? bytes_ : 0;
        lines_ = 0;
        bytes_ = 0;
        slot_ = now;
    }
    lines_ += static_cast<std::uint32_t>(lines);
    bytes_ += bytes;
}

std::pair<double, double> rate_meter::at(delivery::time_point now) const noexcept {
    constexpr double whole = std::chrono::duration<double>(slot).count();
    const double age = std::chrono::duration<double>(now - slot_).count();
    if (age >= 2 * whole) return {0, 0};
    // The part of the previous slot that still lies within one slot's length.
    const double rest = std::max(0.0, 1 - age / whole);
    const double length = std::max(age, whole);
    return {(static_cast<double>(lines_) + rest * static_cast<double>(last_lines_)) / length,
            (static_cast<double>(bytes_) + rest * static_cast<double>(last_bytes_)) / length};
}

}  // namespace logagent::tail
