#pragma once

#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "logagent/kafka/mock_cluster.hpp"

namespace logagent::cli {

/// Reads the values of `mock-kafka --topic`; throws usage_error.
std::vector<kafka::mock_cluster::topic> read_mock_topics(const flag& which,
                                                         const std::vector<std::string>& values);

}  // namespace logagent::cli
