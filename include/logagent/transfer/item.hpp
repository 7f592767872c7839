#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "logagent/kafka/group_consumer.hpp"

namespace logagent::transfer {

/// One assignment of one partition to us. Numbers are never used twice in a process, so what comes
/// back late for a partition that went away and returned is told apart.
using lane = std::uint32_t;

/// A record on its way through a route. Whoever holds it keeps Kafka's memory of it; all items are
/// gone before their consumer is.
struct item {
    lane in = 0;
    kafka::consumed_record record;
};

/// Why a sink will never take a record: it becomes a dead letter.
struct refusal {
    std::string reason;     // a short code for headers and metrics: "mapper_parsing_exception"
    std::string text;       // one line for a person
    unsigned status = 0;    // of the sink's answer; 0 = none
    unsigned attempts = 1;  // how often the sink was asked
};

}  // namespace logagent::transfer
