#pragma once

#include <optional>
#include <string>

#include "logagent/checkpoint/state.hpp"
#include "logagent/os/journal_files.hpp"

namespace logagent::checkpoint {

/// Reads the state that a journal in this directory holds, and changes nothing there: also while an
/// agent writes to it. Absent where there is none; then `why` says so for people. Throws
/// unusable_state as the journal does.
std::optional<state> read_state(os::journal_files& files, std::string& why);

}  // namespace logagent::checkpoint
