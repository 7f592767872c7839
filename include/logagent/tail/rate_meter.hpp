#pragma once

#include <cstdint>
#include <utility>

#include "logagent/delivery/rate_limit.hpp"

namespace logagent::tail {

/// How much passed lately: lines and bytes per second over the last five to ten seconds. Time is a
/// parameter, and must not go back.
class rate_meter {
public:
    void note(delivery::time_point now, std::uint64_t lines, std::uint64_t bytes) noexcept;

    /// Lines and bytes per second.
    std::pair<double, double> at(delivery::time_point now) const noexcept;

private:
    delivery::time_point slot_{};  // when the one begins that is being counted
    std::uint64_t bytes_ = 0;      // in it
    std::uint64_t last_bytes_ = 0;
    std::uint32_t lines_ = 0;
    std::uint32_t last_lines_ = 0;
};

}  // namespace logagent::tail
