#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "logagent/agent/settings.hpp"
#include "logagent/fleet/log_target.hpp"

namespace logagent::agent {

/// A file that the local user named himself with --file.
struct local_file {
    std::string path;  // absolute; may be a glob
    std::string topic;
    std::string service;
    std::uint64_t rate = 0;  // lines per second; 0 = unlimited
    fleet::start_at start = fleet::start_at::end;

    bool operator==(const local_file&) const = default;
};

/// All that the command line decides about an agent. The settings are checked and complete.
struct agent_options {
    agent::settings settings;
    std::vector<std::string> notes;  // to be said once in the log
    std::vector<local_file> files;
    std::string logconfig;               // path of a local logconfig array, watched; empty = none
    bool to_stdout = false;              // records go to standard output; nothing is kept on disk
    bool once = false;                   // read to the end, wait for all acknowledgements, end
    std::string config_file;             // what SIGHUP reads again; empty = there is none
    std::vector<std::string> overrides;  // "key=value" that win over the file
};

/// The whole life of an agent; returns the exit code.
int run_agent(agent_options options);

}  // namespace logagent::agent
