#pragma once

#include <span>
#include <string>
#include <vector>

#include "logagent/agent/settings.hpp"
#include "logagent/base/error.hpp"
#include "logagent/kafka/settings.hpp"

namespace logagent::cli {

inline constexpr const char* default_config_file = "/etc/logagent/agent.ini";
inline constexpr std::size_t most_logconfig_bytes = 1'572'864;  // what etcd stores at most

/// agent.ini with everything that can be checked without a network, Kafka's properties included.
struct configuration {
    std::string where;  // for messages: the file, or "the command line" when there is none
    agent::settings settings;
    kafka::settings kafka;  // holds secrets; usable only without problems and with brokers
    std::vector<agent::settings_problem> problems;
    std::vector<std::string> notes;
};

/// Reads `file` (empty = no file, all defaults) and then `overrides`, which win.
configuration read_configuration(const std::string& file, std::span<const std::string> overrides);

/// A whole file of at most `limit` bytes. Codes: "read", "size"; the text names the path.
base::result<std::string> read_file(const std::string& path, std::size_t limit);

}  // namespace logagent::cli
