#include "logagent/tail/forecast.hpp"

#include <algorithm>

namespace logagent::tail {

std::optional<double> time_to_loss(const backlog& file) noexcept {
    if (file.lifetime_s <= 0 || file.lag_bytes <= 0) return std::nullopt;
    const double left = std::max(0.0, file.lifetime_s - file.age_s);
    if (file.bytes_per_s > 0 && file.lag_bytes / file.bytes_per_s <= left) return std::nullopt;
    return left;
}

}  // namespace logagent::tail
