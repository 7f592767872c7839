#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logagent/kafka/error.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/kafka/settings.hpp"

namespace logagent::kafka {

/// A record as it lies in a partition. The texts are borrowed for the time of the call.
struct stored_record {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = -1;  // wall clock; -1 = none
    std::string_view key;
    std::string_view value;
    std::vector<std::pair<std::string_view, std::string_view>> headers;
};

/// Reads one topic from its beginning, all partitions, without a consumer group; makes and deletes
/// it on request. All on one thread, that of the executor; nothing but the destructor waits.
class topic_reader {
public:
    using clock = std::chrono::steady_clock;
    using receiver = std::function<void(const stored_record&)>;  // must not throw

    /// What became of prepare(). `partitions` 0 = there is no topic, for the reason in `text`.
    struct prepared {
        int partitions = 0;
        std::string text;
    };

    virtual ~topic_reader() = default;

    /// Serves everything until it is stopped; the other coroutines need it running.
    virtual boost::asio::awaitable<void> run(receiver to) = 0;

    /// Makes the topic, or, where that is refused, asks for it so that brokers which create topics
    /// by themselves do so. Waits for its partitions, at most until `deadline`.
    virtual boost::asio::awaitable<prepared> prepare(std::string topic, int partitions,
                                                     clock::time_point deadline) = 0;

    /// Begins to read partitions 0 to `partitions` - 1. Called once.
    virtual void read(const std::string& topic, int partitions) = 0;

    /// Deletes the topic; `none` = the cluster has agreed to.
    virtual boost::asio::awaitable<error> remove(std::string topic, clock::time_point deadline) = 0;

    /// Whether everything was read that was there when a partition was asked last.
    virtual bool at_end() const = 0;

    /// What librdkafka complained about last; empty = nothing yet.
    virtual std::string trouble() const = 0;
};

/// Throws std::runtime_error with librdkafka's own text when it refuses the settings.
std::unique_ptr<topic_reader> create_topic_reader(boost::asio::any_io_executor executor,
                                                  settings settings, name_lookup look_up);

}  // namespace logagent::kafka
