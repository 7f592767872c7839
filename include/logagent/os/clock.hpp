#pragma once

#include <chrono>
#include <cstdint>

namespace logagent::os {

/// Wall clock, milliseconds since the epoch: for stamps only, never for measuring a time.
std::int64_t wall_ms();

/// The same and std::chrono::steady_clock's now(), as the kernel's last tick left them, a few
/// milliseconds ago: a tenth of the cost, for a stamp on every record.
std::int64_t coarse_wall_ms();
std::chrono::steady_clock::time_point coarse_now();

}  // namespace logagent::os
