#pragma once

#include <string>

#include "logagent/os/confinement.hpp"
#include "logagent/transfer/transfer.hpp"

namespace logagent::transfer {

/// What a transfer with these options needs of its host once it runs. `state`: the directory it
/// has locked, or empty.
os::confinement needed_by(const transfer_options& options, const std::string& state);

}  // namespace logagent::transfer
