#include "logagent/os/clock.hpp"

#include <chrono>

namespace logagent::os {

std::int64_t wall_ms() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

}  // namespace logagent::os
