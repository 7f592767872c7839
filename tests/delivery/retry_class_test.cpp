#include "logagent/delivery/retry_class.hpp"

#include "support/test.hpp"

namespace logagent::delivery {
namespace {

using kafka::error;

TEST_CASE("an error that one record is to blame for is poison", "[retry_class]") {
    for (const auto code :
         {error::message_too_large, error::record_list_too_large, error::corrupt_message,
          error::invalid_record, error::invalid_timestamp}) {
        INFO(kafka::name(code));
        CHECK(classify(code) == retry_class::poison);
    }
}

TEST_CASE("a topic that takes nothing now is parked", "[retry_class]") {
    for (const auto code :
         {error::unknown_topic_or_partition, error::unknown_topic, error::unknown_partition,
          error::topic_authorization_failed, error::invalid_topic, error::policy_violation,
          error::leader_not_available}) {
        INFO(kafka::name(code));
        CHECK(classify(code) == retry_class::park);
    }
}

TEST_CASE("an error that ends the client asks for a new one", "[retry_class]") {
    for (const auto code :
         {error::fatal, error::out_of_order_sequence, error::invalid_producer_epoch}) {
        INFO(kafka::name(code));
        CHECK(classify(code) == retry_class::rebuild);
    }
}

TEST_CASE("whatever may pass is sent again, codes nobody knows included", "[retry_class]") {
    for (const auto code :
         {error::msg_timed_out, error::transport, error::timed_out, error::all_brokers_down,
          error::purge_queue, error::purge_inflight, error::invalid_different_record,
          error::not_leader, error::request_timed_out, error::not_enough_replicas,
          error::not_enough_replicas_after_append, error::kafka_storage_error,
          error::throttling_quota_exceeded, error::unknown, static_cast<error>(12'345)}) {
        INFO(kafka::name(code));
        CHECK(classify(code) == retry_class::rewind);
    }
}

}  // namespace
}  // namespace logagent::delivery
