#pragma once

#include <string>

#include "logagent/selftest/selftest.hpp"

namespace logagent::cli {

/// What is being done, in a few lines, and the titles of the rows that follow.
std::string selftest_heading(const selftest::options& chosen, const std::string& directory,
                             const std::string& brokers);

/// One row, without a line end, as wide as every other.
std::string selftest_row(const selftest::progress& now);

/// The table of counts, what was found, and the verdict.
std::string selftest_verdict(const selftest::result& done, const std::string& directory);

}  // namespace logagent::cli
