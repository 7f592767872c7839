#pragma once

#include "logagent/os/confinement.hpp"

namespace logagent::os {

/// The layer "paths": Linux 5.13 and later check each path against rules that only ever get
/// tighter. no_new_privs has to be set.
confinement_layer limit_paths(const confinement& needed);

}  // namespace logagent::os
