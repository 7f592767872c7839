#pragma once

#include <cstdint>

namespace logagent::os {

/// Raises the soft limit of open files to the hard one, since each tailed file holds one
/// descriptor. Returns the limit that holds afterwards.
std::uint64_t raise_descriptor_limit();

}  // namespace logagent::os
