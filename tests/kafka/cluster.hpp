#pragma once

// What the tests of this folder share: a producer on a mock cluster, and what it reported.

#include <librdkafka/rdkafka.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kafka/producer.hpp"
#include "logagent/kafka/mock_cluster.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace logagent::kafka::test {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// Keeps every report.
class reports : public delivery_listener {
public:
    struct failure {
        void* batch;
        std::string value;
        error code;
        bool possibly_stored;
    };

    void delivered(void* batch, std::uint32_t count) override {
        runs.emplace_back(batch, count);
        acked += count;
    }
    void failed(void* batch, const char* value, error code, bool possibly_stored) override {
        failures.push_back({batch, std::string{value}, code, possibly_stored});
    }
    void abandoned() override { ++abandonments; }

    std::size_t total() const { return acked + failures.size(); }

    std::vector<std::pair<void*, std::uint32_t>> runs;
    std::vector<failure> failures;
    std::size_t acked = 0;
    int abandonments = 0;
};

/// A running producer with its loop.
struct bench {
    explicit bench(const std::string& brokers, producer_options options = {},
                   std::map<std::string, std::string> properties = {},
                   const std::string& debug = "") {
        properties.try_emplace("linger.ms", "1");
        auto checked = read_settings(brokers, properties);
        REQUIRE(checked.errors.empty());
        if (!debug.empty()) checked.value.properties["debug"] = debug;
        options.log = [this](int, std::string_view, std::string_view text) {
            logged.emplace_back(text);
        };
        producer = std::make_unique<rd_producer>(loop.get_executor(), checked.value, options);
        producer->listen(listener);
        running.emplace(loop, producer->run());
    }

    /// Records "0", "1", ...; their memory lives as long as the bench.
    produce_result produce(topic_handle topic, int partition, int count, void* batch = nullptr,
                           const std::string& prefix = "") {
        std::vector<record> records;
        for (int i = 0; i < count; ++i) {
            const auto& text = kept.emplace_back(prefix + std::to_string(i));
            records.push_back({text.data(), static_cast<std::uint32_t>(text.size())});
        }
        return producer->produce(topic, partition, records, batch);
    }

    template <class Ready>
    void until(Ready ready, clock::duration limit = 20s) {
        logagent::test::run_until(loop, ready, limit);
    }
    void until_reported(std::size_t count) {
        until([&] { return listener.total() >= count; });
    }
    void until_up() {
        until([&] { return producer->state().up; });
    }
    bool drain(clock::duration limit) {
        const auto deadline = clock::now() + limit;
        return logagent::test::run(loop, producer->drain(deadline));
    }
    std::vector<topic_description> describe(std::vector<std::string> topics,
                                            clock::duration limit) {
        const auto deadline = clock::now() + limit;
        return logagent::test::run(loop, producer->describe(std::move(topics), deadline));
    }

    std::deque<std::string> kept;
    boost::asio::io_context loop;
    reports listener;
    std::vector<std::string> logged;
    std::unique_ptr<rd_producer> producer;
    std::optional<logagent::test::background> running;  // ends before the producer
};

/// The values of a partition, from its begin to the end it has now.
inline std::vector<std::string> stored(const mock_cluster& cluster, const std::string& topic,
                                       int partition = 0) {
    std::array<char, 512> why{};
    auto* conf = rd_kafka_conf_new();
    const auto brokers = cluster.addresses();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), why.data(), why.size());
    rd_kafka_conf_set(conf, "group.id", "test", why.data(), why.size());
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", why.data(), why.size());
    auto* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
    REQUIRE(consumer);
    std::int64_t low = 0, high = 0;
    const auto code =
        rd_kafka_query_watermark_offsets(consumer, topic.c_str(), partition, &low, &high, 5000);
    std::vector<std::string> values;
    auto* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = low;
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    const auto deadline = clock::now() + 10s;
    while (std::int64_t(values.size()) < high - low && clock::now() < deadline) {
        auto* message = rd_kafka_consumer_poll(consumer, 100);
        if (!message) continue;
        if (!message->err)
            values.emplace_back(static_cast<const char*>(message->payload), message->len);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    REQUIRE(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    return values;
}

inline std::vector<std::string> numbers(int count, const std::string& prefix = "") {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i)
        all.push_back(prefix + std::to_string(i));
    return all;
}

}  // namespace logagent::kafka::test
