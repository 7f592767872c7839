#include "read_window.hpp"

#include <algorithm>

namespace logagent::agent {

namespace {

using namespace std::chrono_literals;

constexpr double busy_requests_per_s = 50;
constexpr auto widest = 200ms;

}  // namespace

void read_window::second_passed(std::uint64_t requests) {
    // Smoothed over some seconds: the rate that a window brings varies by a few from one second to
    // the next, and must not widen it for ever.
    rate_ += 0.3 * (static_cast<double>(requests - seen_) - rate_);
    seen_ = requests;
    if (least_ == 0ms) return;
    if (rate_ > busy_requests_per_s && now_ < widest) {
        now_ = std::min<std::chrono::milliseconds>(now_ * 2, widest);
        rate_ /= 2;  // what the wider window will bring; the mean would widen it again
    } else if (rate_ < busy_requests_per_s / 4) {
        now_ = std::max(now_ / 2, least_);
    }
}

}  // namespace logagent::agent
