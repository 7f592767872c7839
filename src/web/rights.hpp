#pragma once

#include "logagent/os/confinement.hpp"
#include "logagent/web/settings.hpp"

namespace logagent::web {

/// What a control plane with these settings needs of its host once it runs.
os::confinement needed_by(const settings& chosen);

}  // namespace logagent::web
