#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "logagent/kafka/settings.hpp"
#include "logagent/kafka/topic_description.hpp"

namespace logagent::cli {

struct topic_answers {
    std::vector<kafka::topic_description> topics;  // empty when nobody answered
    std::string failure;                           // why nobody did
};

/// Asks Kafka about topics and waits for the answer at most `patience`; runs a loop of its own.
topic_answers ask_about_topics(const kafka::settings& settings, std::vector<std::string> topics,
                               std::chrono::steady_clock::duration patience);

}  // namespace logagent::cli
