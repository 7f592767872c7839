#include "logagent/delivery/retry_class.hpp"

namespace logagent::delivery {

namespace {

struct row {
    kafka::error code;
    retry_class what;
};

using kafka::error;

// Which errors reach us at all: the client retries transport and leadership errors itself
// (kafka-client.md section 4).
constexpr row table[] = {
    {error::message_too_large, retry_class::poison},
    {error::record_list_too_large, retry_class::poison},
    {error::corrupt_message, retry_class::poison},
    {error::invalid_record, retry_class::poison},
    {error::invalid_timestamp, retry_class::poison},

    // Its batch failed because of another record; it may be sent again as it is.
    {error::invalid_different_record, retry_class::rewind},

    {error::unknown_topic_or_partition, retry_class::park},
    {error::unknown_topic, retry_class::park},
    {error::unknown_partition, retry_class::park},
    {error::topic_authorization_failed, retry_class::park},
    {error::invalid_topic, retry_class::park},
    {error::policy_violation, retry_class::park},
    {error::leader_not_available, retry_class::park},
    {error::invalid_required_acks, retry_class::park},

    {error::fatal, retry_class::rebuild},
    {error::out_of_order_sequence, retry_class::rebuild},
    {error::invalid_producer_epoch, retry_class::rebuild},
};

}  // namespace

retry_class classify(kafka::error code) noexcept {
    for (const auto& entry : table)
        if (entry.code == code) return entry.what;
    return retry_class::rewind;
}

}  // namespace logagent::delivery
