#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "logagent/kafka/error.hpp"

namespace logagent::kafka {

/// What the cluster says about one topic.
struct topic_description {
    struct partition {
        std::int32_t id = 0;
        std::int32_t leader = -1;  // broker id; -1 = none
        int replicas = 0;
        int in_sync = 0;
    };

    std::string topic;
    error code = error::none;  // unknown_topic_or_partition, topic_authorization_failed, ...
    std::vector<partition> partitions;               // sorted by id; empty when `code` is set
    std::optional<std::uint32_t> max_message_bytes;  // absent: not learned (ACL, old broker)
    std::optional<int> min_insync_replicas;
    std::string topic_id = {};  // 22 characters; another one after the topic was made anew
};

}  // namespace logagent::kafka
