#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/kafka/error.hpp"
#include "logagent/kafka/group_consumer.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/kafka/settings.hpp"
#include "logagent/kafka/topic_reader.hpp"

namespace logagent::kafka {

/// Follows partitions of any topics from their ends, without a consumer group: what was there
/// before is never read, and nothing is remembered. All on one thread, that of the executor.
class live_reader {
public:
    using clock = std::chrono::steady_clock;
    using receiver = std::function<void(std::string_view topic, const stored_record& record)>;

    virtual ~live_reader() = default;

    /// Serves everything until it is stopped; the other coroutines need it running.
    virtual boost::asio::awaitable<void> run(receiver to) = 0;

    /// Makes these the partitions that are read. New ones begin at their end. Waits for
    /// librdkafka's own thread, some microseconds for a partition that is given up.
    virtual void follow(const std::set<partition_name>& wanted) = 0;

    /// Goes to the ends again, passing over what was not taken yet.
    virtual void skip_to_end() = 0;

    /// How many partitions each topic has.
    struct topic_size {
        std::string topic;
        error code = error::timed_out;  // none: the number is right
        int partitions = 0;
    };
    /// In the order of `topics`, which are not empty. One question at a time.
    virtual boost::asio::awaitable<std::vector<topic_size>> count_partitions(
        std::vector<std::string> topics, clock::time_point deadline) = 0;

    /// What librdkafka complained about last; empty = nothing since the last call.
    virtual std::string take_trouble() = 0;
};

struct live_reader_options {
    std::uint32_t queued_kib = 4096;  // fetched and not yet taken, of all partitions
    name_lookup look_up;
};

/// Throws std::runtime_error with librdkafka's own text when it refuses the settings.
std::unique_ptr<live_reader> create_live_reader(boost::asio::any_io_executor executor,
                                                settings settings, live_reader_options options);

}  // namespace logagent::kafka
