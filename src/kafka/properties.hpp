#pragma once

#include <span>
#include <string>
#include <string_view>

#include "logagent/kafka/settings.hpp"

namespace logagent::kafka {

/// A property whose value is ours, with the reason for those who try to set it.
struct fixed_property {
    std::string_view name;
    std::string_view value;
    std::string_view why;
};

std::span<const fixed_property> fixed_properties();

/// The row of the table of allowed properties, or null.
const allowed_property* find_allowed(std::string_view name);

/// The allowed name that looks most like `name`; empty when none is close.
std::string closest_allowed(std::string_view name);

}  // namespace logagent::kafka
