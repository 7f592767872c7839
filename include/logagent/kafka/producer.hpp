#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/kafka/error.hpp"

namespace logagent::kafka {

/// A record to send. `value` is borrowed until its delivery report; `key` is copied (null = no
/// key).
struct record {
    const char* value = nullptr;
    std::uint32_t size = 0;
    const char* key = nullptr;
    std::uint32_t key_size = 0;
};

/// A topic the producer knows, valid for the producer's life, also across its rebuilds.
using topic_handle = std::uint32_t;

/// A header of a record; both are copied.
struct header {
    std::string_view name;
    std::string_view value;
};

/// What became of a call of produce(). Records [accepted, n) were not taken: nothing of them will
/// be reported. Those listed in `refused` lie below `accepted`, were not taken either and are not
/// reported: a record that is too large for the client leaves such a hole.
struct produce_result {
    struct refusal {
        std::size_t index;
        error code;
    };
    std::size_t accepted = 0;
    std::vector<refusal> refused;  // sorted by index; nearly always empty
};

/// Gets the delivery reports. Called on the loop, never from inside produce().
class delivery_listener {
public:
    virtual ~delivery_listener() = default;

    /// `count` records of `batch` are stored by Kafka. Runs of equal batches are reported at once.
    virtual void delivered(void* batch, std::uint32_t count) = 0;

    /// One record of `batch` failed for good, as far as the client is concerned. `value` is the
    /// pointer that was given to produce(). `possibly_stored`: it may be in Kafka all the same.
    virtual void failed(void* batch, const char* value, error code, bool possibly_stored) = 0;

    /// The client was destroyed: whatever was accepted and not reported yet never will be, and its
    /// memory is no longer read. Comes after `failed` with the cause was reported where there is
    /// one.
    virtual void abandoned() = 0;
};

/// Sends records to Kafka without ever blocking.
///
/// Order holds within a partition as long as no record fails. The implementation over librdkafka is
/// kafka::create_producer(); tests bring a fake broker.
class producer {
public:
    virtual ~producer() = default;

    /// Who gets the reports; must be set before the first produce() and outlive the producer.
    virtual void listen(delivery_listener& listener) = 0;

    virtual topic_handle topic(std::string_view name) = 0;

    /// Queues records for one partition. `batch` comes back with every report. An instance that is
    /// being rebuilt accepts nothing.
    virtual produce_result produce(topic_handle topic, std::int32_t partition,
                                   std::span<const record> records, void* batch) = 0;

    /// Queues one record with headers (copied). `partition` -1 = chosen by the hash of the key. Any
    /// other code than none: not taken, not reported.
    virtual error produce_with_headers(topic_handle topic, std::int32_t partition,
                                       const record& single, std::span<const header> headers,
                                       void* batch) = 0;

    /// Records accepted and not yet reported.
    virtual std::size_t outstanding() const = 0;
};

}  // namespace logagent::kafka
