#pragma once

#include <span>
#include <string>

#include "cli/flags.hpp"
#include "logagent/agent/agent.hpp"

namespace logagent::cli {

/// What the command line is read against, apart from itself.
struct surroundings {
    std::string working_directory;
    std::string xdg_state_home;  // empty = not set
    std::string home;            // empty = not set
    std::string config_file;     // what is read without -c
};

surroundings real_surroundings();

/// Where positions are kept when no configuration says so: below XDG_STATE_HOME or HOME. Throws
/// usage_error where neither is set.
std::string local_state_directory(const surroundings& around);

std::span<const flag> agent_flags();

/// Turns the flags of `agent` into what it runs with: reads the configuration, applies what the
/// flags imply, checks everything. Throws usage_error with all that is wrong.
agent::agent_options read_agent_options(const arguments& given, const surroundings& around);

}  // namespace logagent::cli
