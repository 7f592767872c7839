#include "logagent/kafka/live_reader.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <utility>

#include "client_loop.hpp"
#include "instance.hpp"
#include "logagent/async/event.hpp"
#include "logagent/kafka/topic_name.hpp"

namespace logagent::kafka {

namespace asio = boost::asio;

namespace {

class rd_live_reader final : public live_reader {
public:
    rd_live_reader(asio::any_io_executor executor, settings settings, live_reader_options options);
    ~rd_live_reader() override;

    asio::awaitable<void> run(receiver to) override;
    void follow(const std::set<partition_name>& wanted) override;
    void skip_to_end() override;
    asio::awaitable<std::vector<topic_size>> count_partitions(std::vector<std::string> topics,
                                                              clock::time_point deadline) override;
    std::string take_trouble() override { return std::exchange(trouble_, {}); }

private:
    struct topic_deleter {
        void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
    };

    conf_ptr configure(const live_reader_options& options);
    rd_kafka_topic_t* topic(const std::string& name);
    void begin(const partition_name& partition);
    void end(const partition_name& partition);
    bool serve(clock::time_point until, const receiver& to);
    void served(rd_kafka_event_t* event, const receiver& to);
    void fetched(rd_kafka_event_t* event, const receiver& to);
    void ask(const std::vector<const char*>& names, clock::time_point deadline);
    void counted(rd_kafka_event_t* event);

    settings settings_;
    client_loop loop_;
    async::event answered_;
    std::uintptr_t asked_ = 0;  // the question that is open
    bool open_ = false;
    std::map<std::string, topic_size, std::less<>> sizes_;  // its answers
    rd_kafka_t* client_ = nullptr;
    rd_kafka_queue_t* queue_ = nullptr;  // for all: records, answers, errors, logs
    std::map<std::string, std::unique_ptr<rd_kafka_topic_t, topic_deleter>, std::less<>> topics_;
    std::set<partition_name> read_;
    std::string trouble_;
};

rd_live_reader::rd_live_reader(asio::any_io_executor executor, settings settings,
                               live_reader_options options)
    : settings_{std::move(settings)}, loop_{executor, options.look_up}, answered_{executor} {
    auto conf = configure(options);
    std::array<char, 512> why{};
    client_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), why.data(), why.size());
    if (!client_) throw std::runtime_error{std::string{"librdkafka: "} + why.data()};
    [[maybe_unused]] auto* const taken = conf.release();
    queue_ = rd_kafka_queue_new(client_);
    auto* main = rd_kafka_queue_get_main(client_);
    rd_kafka_queue_forward(main, queue_);
    rd_kafka_queue_destroy(main);
    rd_kafka_set_log_queue(client_, queue_);
    loop_.wake_by(queue_);
}

rd_live_reader::~rd_live_reader() {
    client_loop::silence(queue_);
    for (const auto& each : read_)
        end(each);
    topics_.clear();
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(client_);
}

conf_ptr rd_live_reader::configure(const live_reader_options& options) {
    auto conf = loop_.configure(settings_, RD_KAFKA_EVENT_FETCH);
    const auto set = [&](const char* name, const std::string& value) {
        set_property(conf.get(), name, value);
    };
    set("enable.auto.commit", "false");
    set("auto.offset.reset", "latest");
    set("allow.auto.create.topics", "false");
    set("fetch.wait.max.ms", "200");
    set("fetch.error.backoff.ms", "200");
    set("fetch.message.max.bytes", "262144");  // of one partition in one answer
    set("reconnect.backoff.max.ms", "2000");
    set("queued.max.messages.kbytes", std::to_string(options.queued_kib));
    set("topic.metadata.refresh.interval.ms", "30000");
    return conf;
}

rd_kafka_topic_t* rd_live_reader::topic(const std::string& name) {
    auto& made = topics_[name];
    if (!made) made.reset(rd_kafka_topic_new(client_, name.c_str(), nullptr));
    if (!made)
        throw std::runtime_error{"topic " + name + ": " + text(code_of(rd_kafka_last_error()))};
    return made.get();
}

// Not assign(): it wants a group, which the cluster may not allow.
void rd_live_reader::begin(const partition_name& partition) {
    if (rd_kafka_consume_start_queue(topic(partition.topic), partition.number, RD_KAFKA_OFFSET_END,
                                     queue_) != 0)
        trouble_ = partition.topic + ": " + text(code_of(rd_kafka_last_error()));
}

void rd_live_reader::end(const partition_name& partition) {
    rd_kafka_consume_stop(topic(partition.topic), partition.number);
}

void rd_live_reader::follow(const std::set<partition_name>& wanted) {
    for (const auto& each : read_)
        if (!wanted.contains(each)) end(each);
    for (const auto& each : wanted)
        if (!read_.contains(each)) begin(each);
    read_ = wanted;
}

void rd_live_reader::skip_to_end() {
    for (const auto& each : read_) {
        end(each);
        begin(each);
    }
}

asio::awaitable<void> rd_live_reader::run(receiver to) {
    client_loop::server serving = [&](clock::time_point until) { return serve(until, to); };
    std::function<void(std::string)> complain = [&](std::string what) {
        trouble_ = std::move(what);
    };
    co_await loop_.run(settings_.brokers, std::move(serving), std::move(complain));
}

bool rd_live_reader::serve(clock::time_point until, const receiver& to) {
    int left = 64;  // between two looks at the clock
    while (const event_ptr event{rd_kafka_queue_poll(queue_, 0)}) {
        served(event.get(), to);
        if (--left > 0) continue;
        if (clock::now() >= until) return true;
        left = 64;
    }
    return false;
}

void rd_live_reader::served(rd_kafka_event_t* event, const receiver& to) {
    switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_FETCH:
            return fetched(event, to);
        case RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT:
            return counted(event);
        case RD_KAFKA_EVENT_ERROR:
            trouble_ = rd_kafka_event_error_string(event);
            return;
        default:
            return;
    }
}

void rd_live_reader::fetched(rd_kafka_event_t* event, const receiver& to) {
    while (const auto* message = rd_kafka_event_message_next(event)) {
        if (message->err) {
            if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
                trouble_ = std::string{rd_kafka_topic_name(message->rkt)} + "[" +
                           std::to_string(message->partition) + "]: " + text(code_of(message->err));
            continue;
        }
        stored_record record;
        record.partition = message->partition;
        record.offset = message->offset;
        record.timestamp_ms = rd_kafka_message_timestamp(message, nullptr);
        record.key = {static_cast<const char*>(message->key), message->key_len};
        record.value = {static_cast<const char*>(message->payload), message->len};
        to(rd_kafka_topic_name(message->rkt), record);
    }
}

void rd_live_reader::ask(const std::vector<const char*>& names, clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
    auto* const options = rd_kafka_AdminOptions_new(client_, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
    std::array<char, 256> why{};
    rd_kafka_AdminOptions_set_request_timeout(
        options, static_cast<int>(std::clamp<long>(left.count(), 1, 600'000)), why.data(),
        why.size());
    rd_kafka_AdminOptions_set_opaque(options, reinterpret_cast<void*>(++asked_));
    auto* const topics = rd_kafka_TopicCollection_of_topic_names(
        const_cast<const char**>(names.data()), names.size());
    rd_kafka_DescribeTopics(client_, topics, options, queue_);
    rd_kafka_TopicCollection_destroy(topics);
    rd_kafka_AdminOptions_destroy(options);
    open_ = true;
}

void rd_live_reader::counted(rd_kafka_event_t* event) {
    if (reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event)) != asked_) return;
    open_ = false;
    answered_.notify();
    if (const auto failed = rd_kafka_event_error(event)) {
        for (auto& [name, size] : sizes_)
            if (size.code == error::timed_out) size.code = code_of(failed);
        return;
    }
    std::size_t count = 0;
    const auto** const found =
        rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);
    for (std::size_t at = 0; at < count; ++at) {
        auto& size = sizes_[rd_kafka_TopicDescription_name(found[at])];
        const auto* const failure = rd_kafka_TopicDescription_error(found[at]);
        size.code = failure ? code_of(rd_kafka_error_code(failure)) : error::none;
        if (size.code != error::none) continue;
        std::size_t partitions = 0;
        rd_kafka_TopicDescription_partitions(found[at], &partitions);
        size.partitions = static_cast<int>(partitions);
    }
}

asio::awaitable<std::vector<live_reader::topic_size>> rd_live_reader::count_partitions(
    std::vector<std::string> topics, clock::time_point deadline) {
    sizes_.clear();
    std::vector<const char*> names;
    for (const auto& name : topics) {
        auto& size = sizes_[name];
        size.topic = name;
        if (!valid_topic_name(name))
            size.code = error::invalid_topic;
        else
            names.push_back(name.c_str());
    }
    if (!names.empty()) ask(names, deadline);
    while (open_ && clock::now() < deadline)
        co_await answered_.wait_until(deadline);
    std::vector<topic_size> answers;
    for (const auto& name : topics)
        answers.push_back(sizes_[name]);
    co_return answers;
}

}  // namespace

std::unique_ptr<live_reader> create_live_reader(asio::any_io_executor executor, settings settings,
                                                live_reader_options options) {
    return std::make_unique<rd_live_reader>(std::move(executor), std::move(settings),
                                            std::move(options));
}

}  // namespace logagent::kafka
