#include "logagent/tail/overload.hpp"

#include <algorithm>
#include <cmath>

namespace logagent::tail {

namespace {

constexpr double patience_s = 10;
constexpr double holes_to_double = 8;
constexpr std::size_t most_holes = 64;
constexpr double least_pace = 1 << 20;  // bytes/s that a file without a limit surely makes

}  // namespace

bool must_jump(const pressure& file) noexcept {
    if (file.waiting_bytes <= 0 || file.holes >= most_holes) return false;
    const bool limited = file.limit_bytes_per_s > 0;
    if (!limited && file.behind_s < patience_s) return false;
    const double pace =
        limited ? file.limit_bytes_per_s : std::max(least_pace, file.seen_bytes_per_s);
    const double enough = patience_s * std::exp2(static_cast<double>(file.holes) / holes_to_double);
    return file.waiting_bytes > pace * enough;
}

}  // namespace logagent::tail
