#pragma once

#include "logagent/os/confinement.hpp"

namespace logagent::os {

/// The layer "system_calls": a seccomp filter for this process and its children. A call that is on
/// no list fails with EPERM and is written to the kernel's log; one that only an attacker makes
/// ends the process. no_new_privs has to be set.
confinement_layer filter_system_calls();

}  // namespace logagent::os
