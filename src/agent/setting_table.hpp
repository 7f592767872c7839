#pragma once

#include <span>

#include "logagent/agent/settings.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/schema.hpp"

namespace logagent::agent {

/// Stores a value that its row has already checked; complains about what the row cannot say.
using store = base::result<void> (*)(settings&, base::schema_value);

/// One key of agent.ini: what it may hold, and where it goes.
struct setting {
    base::schema_row row;
    store set = nullptr;  // nullptr: the row stands for many keys and is only documentation
};

std::span<const setting> setting_table();

}  // namespace logagent::agent
