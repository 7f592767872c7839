#pragma once

#include <iosfwd>
#include <string>

#include "logagent/kafka/settings.hpp"

namespace logagent::cli {

/// Prints what lies in the dead letter topic of `topic`. Returns the exit code.
int list_dead_letters(const kafka::settings& settings, const std::string& topic, std::ostream& out,
                      std::ostream& err);

}  // namespace logagent::cli
