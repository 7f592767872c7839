#pragma once

#include "logagent/web/route_check.hpp"
#include "logagent/web/settings.hpp"

namespace logagent::web {

/// Runs `logagent web` until SIGTERM or SIGINT. Returns the exit code: 0 stopped, 1 failed while
/// running, 2 configuration. `check` judges routes of transfer.
int run_web(settings chosen, route_check check);

}  // namespace logagent::web
