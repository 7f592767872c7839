#pragma once

#include <string>

namespace logagent::os {

/// The 32 hex digits that name this installation, from /etc/machine-id; empty where there is none,
/// or where it is not valid ("uninitialized" in images that were never booted).
std::string machine_id(const std::string& path = "/etc/machine-id");

/// The host's name as the kernel knows it; "localhost" where it has none.
std::string host_name();

}  // namespace logagent::os
