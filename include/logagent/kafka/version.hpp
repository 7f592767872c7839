#pragma once

#include <string>

namespace logagent::kafka {

/// librdkafka's own version, asked of the library that was linked: "2.15.1".
std::string library_version();

}  // namespace logagent::kafka
