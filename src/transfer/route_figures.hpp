#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "logagent/kafka/group_consumer.hpp"
#include "logagent/transfer/settings.hpp"
#include "logagent/transfer/sink.hpp"

namespace logagent::transfer {

/// How one route does; counters never go back while its process lives.
struct route_figures {
    struct partition {
        kafka::partition_name name;
        std::int64_t committable = 0;
        std::int64_t final_to = 0;  // everything before it is final
        std::int64_t committed = -1;
        std::int64_t log_end = -1;  // -1 = unknown
        std::uint64_t pending = 0;
        double oldest_s = 0;            // age of the oldest pending record
        std::int64_t complete_to = -1;  // as of sink_figures; -1 = unknown, or no such sink

        /// Records that are in the log and not final yet; -1 = unknown.
        std::int64_t lag() const {
            return log_end < 0 ? -1 : std::max<std::int64_t>(0, log_end - final_to);
        }
    };

    /// What a sink refused of one topic.
    struct rejection {
        std::uint64_t count = 0;
        std::string reason;      // of the last one, a short code
        std::int64_t at_ms = 0;  // when that was, wall clock
    };

    std::string name, sink, group;
    std::string type;
    std::string state;       // "starting", "running", "stalled", "stopping", "failed"
    std::string text;        // why it is stalled or failed, and what to do
    std::string kafka_text;  // what the client complained about last
    bool assigned = false;   // the group has given us partitions, or none, at least once

    std::uint64_t records = 0;  // for the sink
    std::uint64_t bytes = 0;    // keys and values of them
    std::uint64_t accepted = 0;
    std::uint64_t repeated = 0;  // dropped as sent twice
    std::uint64_t shown = 0;     // read again for the filter alone
    std::uint64_t refused = 0;
    std::uint64_t buried = 0;                   // dead letters that were acknowledged
    std::map<std::string, rejection> rejected;  // by topic
    std::uint64_t lost_to_retention = 0;
    std::uint64_t rebalances = 0;
    std::uint64_t pauses = 0;
    std::uint64_t held_bytes = 0;
    std::uint64_t most_bytes = 0;
    double delay_s = 0;  // from Kafka's time of a record until it was accepted, of the last one

    std::vector<partition> partitions;
    sink_figures at_sink;
};

}  // namespace logagent::transfer
