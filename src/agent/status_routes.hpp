#pragma once

#include <vector>

#include "agent/status_values.hpp"
#include "logagent/http/server.hpp"

namespace logagent::agent {

/// The routes of the status surface over `from`, which must outlive them and their answers.
std::vector<http::route> status_routes(const status_source& from);

}  // namespace logagent::agent
