#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "cli/agent_flags.hpp"
#include "cli/flags.hpp"
#include "logagent/tail/replay_plan.hpp"

namespace logagent::cli {

/// What `logagent replay` was asked for; names and numbers are checked, no file was looked at.
struct replay_order {
    tail::replay_request request;
    std::string topic;  // empty = the one that the path's lines went to first
    std::string service;
    std::uint64_t rate = 0;  // lines per second; 0 = as fast as Kafka takes them
    bool dry_run = false;
    bool by_command = false;  // somebody else ordered it: the local limits hold
    std::string config_file;  // empty = none
    std::string logconfig;    // empty = what the agent applied last
};

std::span<const flag> replay_flags();

/// Throws usage_error with everything that is wrong with the flags.
replay_order read_replay_order(const arguments& given, const surroundings& around,
                               std::int64_t now_ms);

}  // namespace logagent::cli
