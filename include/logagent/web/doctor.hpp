#pragma once

#include <iosfwd>

#include "logagent/web/settings.hpp"

namespace logagent::web {

/// Looks at the etcd that web would use: who may write without a password, whether its history is
/// compacted, how full it is, whether members are missing. Changes nothing. Prints one line for
/// each finding, "ok", "warn" or "bad"; returns 1 if one is bad, else 0.
int run_doctor(settings chosen, std::ostream& out);

}  // namespace logagent::web
