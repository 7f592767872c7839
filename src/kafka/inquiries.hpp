#pragma once

#include <librdkafka/rdkafka.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "instance.hpp"
#include "logagent/async/event.hpp"
#include "logagent/kafka/topic_description.hpp"

namespace logagent::kafka {

/// Questions about topics that are under way: DescribeTopics for partitions and leaders (on the
/// wire a metadata request, so every broker knows it) and DescribeConfigs for limits.
class inquiries {
public:
    using clock = std::chrono::steady_clock;

    explicit inquiries(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {}

    /// Asks `client` and waits for the answers, at most until `deadline`. The answers must be
    /// handed to answered() by whoever serves the client's queue.
    boost::asio::awaitable<std::vector<topic_description>> ask(instance& client,
                                                               std::vector<std::string> topics,
                                                               clock::time_point deadline);

    /// Takes an event that is an answer; late ones are dropped.
    void answered(rd_kafka_event_t* event);

    /// The client is gone: what was asked will not be answered.
    void abandon();

private:
    struct inquiry {
        explicit inquiry(boost::asio::any_io_executor executor) : done{std::move(executor)} {}
        async::event done;
        std::map<std::string, topic_description> topics;
        int missing = 0;  // answers
    };

    static void take_topics(inquiry& asked, rd_kafka_event_t* event);
    static void take_limits(inquiry& asked, rd_kafka_event_t* event);

    boost::asio::any_io_executor executor_;
    std::map<std::uintptr_t, inquiry> open_;  // by the opaque of the request
    std::uintptr_t last_id_ = 0;
};

}  // namespace logagent::kafka
