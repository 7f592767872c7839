#pragma once

#include <span>
#include <vector>

#include "logagent/fleet/log_target.hpp"

namespace logagent::fleet {

struct target_change {
    log_target before;
    log_target after;
};

/// What has to happen so that `wanted` runs instead of `running`. A target is the same one when
/// path and topic are equal.
struct target_diff {
    std::vector<log_target> started;     // in the order of `wanted`
    std::vector<target_change> changed;  // in the order of `wanted`
    std::vector<log_target> stopped;     // in the order of `running`
    std::vector<log_target> same;        // in the order of `wanted`

    bool empty() const { return started.empty() && changed.empty() && stopped.empty(); }
};

target_diff diff(std::span<const log_target> running, std::span<const log_target> wanted);

}  // namespace logagent::fleet
