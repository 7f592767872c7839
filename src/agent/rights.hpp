#pragma once

#include "logagent/agent/agent.hpp"
#include "logagent/os/confinement.hpp"

namespace logagent::agent {

/// What an agent with these options needs of its host once it runs; `state_dir` is empty when it
/// keeps nothing.
os::confinement needed_by(const agent_options& options, const std::string& state_dir);

}  // namespace logagent::agent
