#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "logagent/agent/settings.hpp"
#include "logagent/fleet/log_target.hpp"
#include "logagent/kafka/settings.hpp"

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
    kafka::settings kafka;  // `settings.kafka_addr` and `settings.kafka`, checked; secrets read
    std::vector<std::string> notes;      // to be said once in the log
    std::string config_file;             // where the settings come from; empty = no file
    std::vector<std::string> overrides;  // "key=value", as --set gave them
    std::vector<local_file> files;
    std::string logconfig;   // path of a local logconfig array, watched; empty = none
    bool to_stdout = false;  // records go to standard output; no state unless state_dir is set
    bool once = false;       // read to the end, wait for all acknowledgements, end
};

/// The whole life of an agent; returns the exit code.
int run_agent(agent_options options);

}  // namespace logagent::agent
