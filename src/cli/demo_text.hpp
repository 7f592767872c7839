#pragma once

#include <cstddef>
#include <string>

#include "logagent/demo/demo.hpp"

namespace logagent::cli {

/// Where to look at the demo: the pages first.
std::string demo_heading(const demo::place& where, const demo::options& chosen);

/// A table of all files and a line of sums. `width` is that of the terminal, to which paths are
/// shortened; 0 = nothing is shortened.
std::string demo_table(const demo::progress& now, std::size_t width);

/// What it came to, in a few lines.
std::string demo_verdict(const demo::result& done);

}  // namespace logagent::cli
