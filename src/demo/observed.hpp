#pragma once

#include <string>
#include <string_view>

#include "logagent/demo/demo.hpp"

namespace logagent::demo {

/// What an agent's /status says about its files. `directory` is taken off the front of paths.
/// Fields that are missing or of another type are left as they are; false: it is no such document.
bool read_status(std::string_view body, const std::string& directory, host_row& into);

/// The admin token in what `logagent web` printed; empty if it is not there.
std::string find_token(std::string_view printed);

/// The last line that is not empty, without what is unsafe to print: why a program ended.
std::string last_line(std::string_view printed);

}  // namespace logagent::demo
