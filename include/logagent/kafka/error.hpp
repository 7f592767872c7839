#pragma once

#include <string>

namespace logagent::kafka {

/// Kafka and client errors that decisions are made on. The values are librdkafka's own
/// (rd_kafka_resp_err_t; negative ones are the client's), so any other code fits as well.
enum class error : int {
    none = 0,
    // the client's own
    msg_timed_out = -192,
    unknown_partition = -190,
    unknown_topic = -188,
    all_brokers_down = -187,
    transport = -195,
    queue_full = -184,
    timed_out = -185,
    fatal = -150,
    purge_queue = -152,
    purge_inflight = -151,
    invalid_different_record = -138,
    // the broker's
    unknown = -1,
    corrupt_message = 2,
    unknown_topic_or_partition = 3,
    leader_not_available = 5,
    not_leader = 6,
    request_timed_out = 7,
    message_too_large = 10,
    invalid_topic = 17,
    record_list_too_large = 18,
    not_enough_replicas = 19,
    not_enough_replicas_after_append = 20,
    invalid_required_acks = 21,
    topic_authorization_failed = 29,
    cluster_authorization_failed = 31,
    invalid_timestamp = 32,
    policy_violation = 44,
    out_of_order_sequence = 45,
    duplicate_sequence = 46,
    invalid_producer_epoch = 47,
    kafka_storage_error = 56,
    unknown_producer_id = 59,
    invalid_record = 87,
    throttling_quota_exceeded = 89,
};

/// librdkafka's name of the code, such as "TOPIC_AUTHORIZATION_FAILED".
std::string name(error code);

/// librdkafka's sentence for the code, such as "Broker: Topic authorization failed".
std::string text(error code);

}  // namespace logagent::kafka
