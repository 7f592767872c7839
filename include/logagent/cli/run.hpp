#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace logagent::cli {

/// Runs `logagent ARGUMENTS...` and returns the exit code: 0 done, 1 failed while running, 2 wrong
/// usage or configuration, 3 stopped with lines still unacknowledged. Everything wrong with the
/// usage is said on `err`, one line each.
int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err);

}  // namespace logagent::cli
