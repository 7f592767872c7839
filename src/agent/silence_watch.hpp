#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "logagent/delivery/topic.hpp"
#include "logagent/kafka/live_producer.hpp"

namespace logagent::agent {

/// Notices a client that is stuck: its broker is connected, leads a partition that has lines under
/// way, and nothing comes back.
///
/// librdkafka ends silent connections by itself, so this is about its own defects (R-K11), and the
/// remedy, another client, is used sparingly. Pure: the time is a parameter.
class silence_watch {
public:
    using clock = std::chrono::steady_clock;

    /// To be called about once a second. `busy` are the brokers that lead a partition with
    /// unacknowledged lines. Returns the broker for whose sake the client should be made anew.
    std::optional<std::int32_t> look(std::span<const std::int32_t> busy,
                                     std::span<const kafka::broker_state> brokers,
                                     clock::time_point now);

private:
    std::map<std::int32_t, clock::time_point> waiting_since_;  // by broker
    clock::time_point looked_{};
    std::optional<clock::time_point> fired_;
};

/// The brokers that lead partitions with lines under way, each once, sorted.
std::vector<std::int32_t> busy_leaders(const delivery::topic_table& topics);

}  // namespace logagent::agent
