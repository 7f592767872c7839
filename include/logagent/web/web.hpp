#pragma once

#include "logagent/web/settings.hpp"

namespace logagent::web {

/// Runs `logagent web` until SIGTERM or SIGINT. Returns the exit code: 0 stopped, 1 failed while
/// running, 2 configuration.
int run_web(settings chosen);

}  // namespace logagent::web
