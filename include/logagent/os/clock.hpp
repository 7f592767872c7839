#pragma once

#include <cstdint>

namespace logagent::os {

/// Wall clock, milliseconds since the epoch: for stamps only, never for measuring a time.
std::int64_t wall_ms();

}  // namespace logagent::os
