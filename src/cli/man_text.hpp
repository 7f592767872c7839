#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/commands.hpp"

namespace logagent::cli {

/// logagent(1) in the language of man(7): what the general help says, and the names of the other
/// pages.
std::string overview_page(std::span<const command* const> known, std::string_view version);
/// logagent-NAME(1): what the help of that command says.
std::string command_page(const command& which, std::string_view version);

}  // namespace logagent::cli
