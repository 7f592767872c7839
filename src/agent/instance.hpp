#pragma once

#include <string>

namespace logagent::agent {

/// Which agent this is: kept in the state directory, new where the state was copied to another
/// machine (its machine-id differs), so that two hosts never claim to be one.
struct instance {
    std::string id;       // 32 hex digits
    bool cloned = false;  // the state came from another machine
};

/// Reads `<state_dir>/instance`, or makes it.
instance load_instance(const std::string& state_dir, const std::string& machine_id);

/// A new one that is kept nowhere.
std::string random_instance_id();

}  // namespace logagent::agent
