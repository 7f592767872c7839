#pragma once

#include <cstddef>
#include <string>

#include "logagent/agent/config_report.hpp"

namespace logagent::agent {

/// What `systemctl status` shows of the agent, in one line: how many files are collected, and what
/// keeps it from more. The details are in /status.
std::string service_status(const config_report& config, std::size_t files, bool kafka_up);

}  // namespace logagent::agent
