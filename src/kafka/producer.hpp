#pragma once

#include <librdkafka/rdkafka.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "inquiries.hpp"
#include "instance.hpp"
#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "name_cache.hpp"
#include "notices.hpp"

namespace logagent::kafka {

/// The live_producer over librdkafka: a table of topics and a state that outlive the instances.
class rd_producer final : public live_producer {
public:
    rd_producer(boost::asio::any_io_executor executor, settings settings, producer_options options);
    ~rd_producer() override;

    void listen(delivery_listener& listener) override { listener_ = &listener; }
    topic_handle topic(std::string_view name) override;
    produce_result produce(topic_handle topic, std::int32_t partition,
                           std::span<const record> records, void* batch) override;
    error produce_with_headers(topic_handle topic, std::int32_t partition, const record& record,
                               std::span<const header> headers, void* batch) override;
    std::size_t outstanding() const override { return outstanding_; }

    boost::asio::awaitable<void> run() override;
    boost::asio::awaitable<bool> drain(clock::time_point deadline) override;
    producer_state state() const override;
    std::vector<broker_state> brokers() const override;
    std::uint64_t requests() const override { return requests_; }
    void request_rebuild(std::string reason) override;
    void limit_batch_bytes(std::uint32_t bytes) override;
    boost::asio::awaitable<std::vector<topic_description>> describe(
        std::vector<std::string> topics, clock::time_point deadline) override;

    /// The current client, null while there is none; for tests that break it.
    rd_kafka_t* client() const { return instance_ ? instance_->client() : nullptr; }

private:
    enum class phase { running, draining, waiting };

    struct topic_slot {
        std::string name;
        rd_kafka_topic_t* handle = nullptr;  // of the current instance; made at the first use
    };

    void start_instance();
    void destroy_instance();
    rd_kafka_topic_t* open(topic_slot& slot);
    produce_result sort_out(std::span<const record> records, std::size_t offset,
                            produce_result result);

    boost::asio::awaitable<void> serve();
    boost::asio::awaitable<void> read_wakes();
    boost::asio::awaitable<void> refresh(std::string host);
    void noticed(char kind, std::string_view text);
    bool serve_events(clock::time_point until);
    void served(rd_kafka_event_t* event);
    void reported(rd_kafka_event_t* event);
    void failed(const rd_kafka_message_t& message);
    void erred(rd_kafka_event_t* event);
    void logged(int level, const char* facility, std::string_view text);
    void begin_rebuild(std::string reason, error code);
    void advance(clock::time_point now);
    clock::time_point next_step(clock::time_point now) const;
    bool connected() const;
    void update_state(clock::time_point now);

    boost::asio::any_io_executor executor_;
    settings settings_;
    producer_options options_;
    delivery_listener* listener_ = nullptr;

    notices notices_;
    name_cache names_;
    boost::asio::posix::stream_descriptor wakes_;  // the eventfd that librdkafka writes
    std::unique_ptr<instance> instance_;
    std::uint64_t serial_ = 0;  // of the instance
    inquiries inquiries_;
    async::task_group* tasks_ = nullptr;  // while run() runs

    std::vector<topic_slot> topics_;
    std::map<std::string, topic_handle, std::less<>> handles_;
    std::vector<rd_kafka_message_t> messages_;  // the argument of a call, kept for the next one
    std::size_t outstanding_ = 0;
    std::uint64_t requests_ = 0;

    phase phase_ = phase::running;
    clock::time_point phase_ends_;
    bool planned_ = false;  // a rebuild that nothing forces: no backoff
    async::backoff backoff_;
    async::event work_;       // something to serve, or a step to take; run() waits for it
    async::event settled_;    // a wait of drain() may be over
    async::event connected_;  // a broker is there; describe() waits for it

    bool up_ = false;
    bool all_down_ = true;
    clock::time_point since_;
    std::string trouble_ = "no connection yet";
    std::uint64_t rebuilds_ = 0;
    std::string last_fatal_;
    error last_fatal_code_ = error::none;
    std::map<std::int32_t, broker_state> brokers_;
};

}  // namespace logagent::kafka
