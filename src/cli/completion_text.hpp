#pragma once

#include <span>
#include <string>

#include "cli/commands.hpp"

namespace logagent::cli {

/// A script that bash sources; hidden commands are left out.
std::string bash_completion(std::span<const command* const> known);
/// A file that zsh loads as _logagent.
std::string zsh_completion(std::span<const command* const> known);

}  // namespace logagent::cli
