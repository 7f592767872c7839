#pragma once

#include "logagent/web/route_check.hpp"

namespace logagent::cli {

/// The judge of transfer over routes, for web: programs never include each other.
web::route_check route_check();

}  // namespace logagent::cli
