#include "logagent/kafka/error.hpp"

#include <librdkafka/rdkafka.h>

namespace logagent::kafka {

namespace {

// The enum is written out so that no librdkafka header is needed above this folder; here the two
// are held together.
constexpr bool same(error ours, rd_kafka_resp_err_t theirs) {
    return static_cast<int>(ours) == static_cast<int>(theirs);
}

static_assert(same(error::none, RD_KAFKA_RESP_ERR_NO_ERROR));
static_assert(same(error::msg_timed_out, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT));
static_assert(same(error::unknown_partition, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION));
static_assert(same(error::unknown_topic, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC));
static_assert(same(error::all_brokers_down, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN));
static_assert(same(error::transport, RD_KAFKA_RESP_ERR__TRANSPORT));
static_assert(same(error::queue_full, RD_KAFKA_RESP_ERR__QUEUE_FULL));
static_assert(same(error::timed_out, RD_KAFKA_RESP_ERR__TIMED_OUT));
static_assert(same(error::fatal, RD_KAFKA_RESP_ERR__FATAL));
static_assert(same(error::purge_queue, RD_KAFKA_RESP_ERR__PURGE_QUEUE));
static_assert(same(error::purge_inflight, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT));
static_assert(same(error::invalid_different_record, RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD));
static_assert(same(error::unknown, RD_KAFKA_RESP_ERR_UNKNOWN));
static_assert(same(error::corrupt_message, RD_KAFKA_RESP_ERR_INVALID_MSG));
static_assert(same(error::unknown_topic_or_partition, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART));
static_assert(same(error::leader_not_available, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE));
static_assert(same(error::not_leader, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION));
static_assert(same(error::request_timed_out, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT));
static_assert(same(error::message_too_large, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE));
static_assert(same(error::invalid_topic, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION));
static_assert(same(error::record_list_too_large, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE));
static_assert(same(error::not_enough_replicas, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS));
static_assert(same(error::not_enough_replicas_after_append,
                   RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND));
static_assert(same(error::invalid_required_acks, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS));
static_assert(same(error::topic_authorization_failed,
                   RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
static_assert(same(error::cluster_authorization_failed,
                   RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED));
static_assert(same(error::invalid_timestamp, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP));
static_assert(same(error::policy_violation, RD_KAFKA_RESP_ERR_POLICY_VIOLATION));
static_assert(same(error::out_of_order_sequence, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER));
static_assert(same(error::duplicate_sequence, RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER));
static_assert(same(error::invalid_producer_epoch, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH));
static_assert(same(error::kafka_storage_error, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR));
static_assert(same(error::unknown_producer_id, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID));
static_assert(same(error::invalid_record, RD_KAFKA_RESP_ERR_INVALID_RECORD));
static_assert(same(error::throttling_quota_exceeded, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED));

}  // namespace

std::string name(error code) {
    return rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
}

std::string text(error code) {
    return rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code));
}

}  // namespace logagent::kafka
