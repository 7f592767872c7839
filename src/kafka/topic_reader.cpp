#include "logagent/kafka/topic_reader.hpp"

#include <librdkafka/rdkafka.h>
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "client_loop.hpp"
#include "instance.hpp"
#include "logagent/async/event.hpp"

namespace logagent::kafka {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto look_again = 300ms;  // for the partitions of a topic that is being made

using error_text = std::array<char, 512>;

/// What an answer to an admin request says: a code, and for a description the partitions.
struct answer {
    error code = error::timed_out;
    int partitions = 0;
    std::string text;
};

answer answer_of(const rd_kafka_topic_result_t** topics, std::size_t count) {
    answer out{error::none, 0, {}};
    if (count == 0) return out;
    out.code = code_of(rd_kafka_topic_result_error(topics[0]));
    if (const char* said = rd_kafka_topic_result_error_string(topics[0])) out.text = said;
    return out;
}

answer read_answer(rd_kafka_event_t* event) {
    answer out;
    if (const auto failed = rd_kafka_event_error(event)) {
        out.code = code_of(failed);
        out.text = rd_kafka_event_error_string(event);
        return out;
    }
    std::size_t count = 0;
    switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_CREATETOPICS_RESULT: {
            const auto* result = rd_kafka_event_CreateTopics_result(event);
            const auto** topics = rd_kafka_CreateTopics_result_topics(result, &count);
            return answer_of(topics, count);
        }
        case RD_KAFKA_EVENT_DELETETOPICS_RESULT: {
            const auto* result = rd_kafka_event_DeleteTopics_result(event);
            const auto** topics = rd_kafka_DeleteTopics_result_topics(result, &count);
            return answer_of(topics, count);
        }
        default: {
            const auto* result = rd_kafka_event_DescribeTopics_result(event);
            const auto** topics = rd_kafka_DescribeTopics_result_topics(result, &count);
            if (count == 0) return out;
            const auto* failure = rd_kafka_TopicDescription_error(topics[0]);
            out.code = failure ? code_of(rd_kafka_error_code(failure)) : error::none;
            if (out.code != error::none) return out;
            rd_kafka_TopicDescription_partitions(topics[0], &count);
            out.partitions = static_cast<int>(count);
            return out;
        }
    }
}

void read_headers(const rd_kafka_message_t& from, stored_record& into) {
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&from, &headers)) return;  // it has none
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t at = 0; !rd_kafka_header_get_all(headers, at, &name, &value, &size); ++at)
        into.headers.emplace_back(name, std::string_view{static_cast<const char*>(value), size});
}

class rd_topic_reader final : public topic_reader {
public:
    rd_topic_reader(asio::any_io_executor executor, settings settings, name_lookup look_up);
    ~rd_topic_reader() override;

    asio::awaitable<void> run(receiver to) override;
    asio::awaitable<prepared> prepare(std::string topic, int partitions,
                                      clock::time_point deadline) override;
    void read(const std::string& topic, int partitions) override;
    asio::awaitable<error> remove(std::string topic, clock::time_point deadline) override;
    bool at_end() const override {
        return reading_ > 0 && ended_.size() == static_cast<std::size_t>(reading_);
    }
    std::string trouble() const override { return trouble_; }

private:
    conf_ptr configure();
    void open(const std::string& topic);
    bool serve_events(clock::time_point until, const receiver& to);
    void served(rd_kafka_event_t* event, const receiver& to);

    rd_kafka_AdminOptions_t* options_for(rd_kafka_admin_op_t kind, clock::time_point deadline);
    void ask_to_create(const std::string& topic, int partitions, clock::time_point deadline);
    void ask_to_remove(const std::string& topic, clock::time_point deadline);
    void ask_to_describe(const std::string& topic, clock::time_point deadline);
    asio::awaitable<answer> next_answer(clock::time_point deadline);

    settings settings_;
    client_loop loop_;
    async::event answered_;
    std::uintptr_t asked_ = 0;  // the request whose answer is waited for
    std::optional<answer> answer_;
    rd_kafka_t* client_ = nullptr;
    rd_kafka_queue_t* queue_ = nullptr;  // for all: records, answers, errors, logs
    rd_kafka_topic_t* topic_ = nullptr;
    int reading_ = 0;               // partitions
    std::set<std::int32_t> ended_;  // of them, those without more records
    std::string trouble_;
};

rd_topic_reader::rd_topic_reader(asio::any_io_executor executor, settings settings,
                                 name_lookup look_up)
    : settings_{std::move(settings)}, loop_{executor, std::move(look_up)}, answered_{executor} {
    auto conf = configure();
    error_text why{};
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

rd_topic_reader::~rd_topic_reader() {
    client_loop::silence(queue_);
    for (int partition = 0; partition < reading_; ++partition)
        rd_kafka_consume_stop(topic_, partition);
    if (topic_) rd_kafka_topic_destroy(topic_);
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(client_);
}

conf_ptr rd_topic_reader::configure() {
    auto conf = loop_.configure(settings_, RD_KAFKA_EVENT_FETCH);
    set_property(conf.get(), "enable.auto.commit", "false");
    set_property(conf.get(), "auto.offset.reset", "earliest");
    set_property(conf.get(), "check.crcs", "true");
    set_property(conf.get(), "enable.partition.eof", "true");
    set_property(conf.get(), "allow.auto.create.topics", "true");
    set_property(conf.get(), "fetch.wait.max.ms", "100");
    set_property(conf.get(), "fetch.error.backoff.ms", "100");
    set_property(conf.get(), "reconnect.backoff.max.ms", "500");
    set_property(conf.get(), "queued.max.messages.kbytes", "4096");
    return conf;
}

void rd_topic_reader::open(const std::string& topic) {
    if (!topic_) topic_ = rd_kafka_topic_new(client_, topic.c_str(), nullptr);
    if (!topic_)
        throw std::runtime_error{"topic " + topic + ": " + text(code_of(rd_kafka_last_error()))};
}

void rd_topic_reader::read(const std::string& topic, int partitions) {
    open(topic);
    // Not assign(): it waits for an answer of librdkafka's thread, and it wants a group, which the
    // cluster may not allow.
    for (; reading_ < partitions; ++reading_)
        if (rd_kafka_consume_start_queue(topic_, reading_, RD_KAFKA_OFFSET_BEGINNING, queue_) != 0)
            throw std::runtime_error{"topic " + topic + ": " +
                                     text(code_of(rd_kafka_last_error()))};
}

/// Serves what waits; true = there may be more.
bool rd_topic_reader::serve_events(clock::time_point until, const receiver& to) {
    while (const event_ptr event{rd_kafka_queue_poll(queue_, 0)}) {
        served(event.get(), to);
        if (clock::now() >= until) return true;
    }
    return false;
}

void rd_topic_reader::served(rd_kafka_event_t* event, const receiver& to) {
    switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_FETCH:
            while (const auto* message = rd_kafka_event_message_next(event)) {
                ended_.erase(message->partition);
                if (message->err) {
                    trouble_ = text(code_of(message->err));
                    continue;
                }
                stored_record record;
                record.partition = message->partition;
                record.offset = message->offset;
                record.timestamp_ms = rd_kafka_message_timestamp(message, nullptr);
                record.key = {static_cast<const char*>(message->key), message->key_len};
                record.value = {static_cast<const char*>(message->payload), message->len};
                read_headers(*message, record);
                to(record);
            }
            return;
        case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
        case RD_KAFKA_EVENT_DELETETOPICS_RESULT:
        case RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT:
            if (reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event)) != asked_) return;
            answer_ = read_answer(event);
            answered_.notify();
            return;
        case RD_KAFKA_EVENT_ERROR:
            if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                auto* const end = rd_kafka_event_topic_partition(event);
                if (!end) return;
                ended_.insert(end->partition);
                rd_kafka_topic_partition_destroy(end);
                return;
            }
            trouble_ = rd_kafka_event_error_string(event);
            return;
        default:
            return;
    }
}

asio::awaitable<void> rd_topic_reader::run(receiver to) {
    client_loop::server serve = [&](clock::time_point until) { return serve_events(until, to); };
    std::function<void(std::string)> complain = [&](std::string what) {
        trouble_ = std::move(what);
    };
    co_await loop_.run(settings_.brokers, std::move(serve), std::move(complain));
}

rd_kafka_AdminOptions_t* rd_topic_reader::options_for(rd_kafka_admin_op_t kind,
                                                      clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
    auto* options = rd_kafka_AdminOptions_new(client_, kind);
    error_text why{};
    rd_kafka_AdminOptions_set_request_timeout(
        options, static_cast<int>(std::clamp<long>(left.count(), 1, 600'000)), why.data(),
        why.size());
    answer_.reset();
    rd_kafka_AdminOptions_set_opaque(options, reinterpret_cast<void*>(++asked_));
    return options;
}

void rd_topic_reader::ask_to_create(const std::string& topic, int partitions,
                                    clock::time_point deadline) {
    error_text why{};
    // -1: as many replicas as the cluster gives by default.
    auto* wanted = rd_kafka_NewTopic_new(topic.c_str(), partitions, -1, why.data(), why.size());
    if (!wanted) throw std::runtime_error{"topic " + topic + ": " + why.data()};
    auto* options = options_for(RD_KAFKA_ADMIN_OP_CREATETOPICS, deadline);
    rd_kafka_CreateTopics(client_, &wanted, 1, options, queue_);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wanted);
}

void rd_topic_reader::ask_to_remove(const std::string& topic, clock::time_point deadline) {
    auto* wanted = rd_kafka_DeleteTopic_new(topic.c_str());
    auto* options = options_for(RD_KAFKA_ADMIN_OP_DELETETOPICS, deadline);
    rd_kafka_DeleteTopics(client_, &wanted, 1, options, queue_);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteTopic_destroy(wanted);
}

void rd_topic_reader::ask_to_describe(const std::string& topic, clock::time_point deadline) {
    const char* name = topic.c_str();
    auto* topics = rd_kafka_TopicCollection_of_topic_names(&name, 1);
    auto* options = options_for(RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, deadline);
    rd_kafka_DescribeTopics(client_, topics, options, queue_);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_TopicCollection_destroy(topics);
}

asio::awaitable<answer> rd_topic_reader::next_answer(clock::time_point deadline) {
    while (!answer_ && clock::now() < deadline)
        co_await answered_.wait_until(deadline);
    answer out;
    if (answer_) out = *std::exchange(answer_, std::nullopt);
    co_return out;
}

asio::awaitable<topic_reader::prepared> rd_topic_reader::prepare(std::string topic, int partitions,
                                                                 clock::time_point deadline) {
    ask_to_create(topic, partitions, deadline);
    auto made = co_await next_answer(deadline);
    std::string why = made.text.empty() ? text(made.code) : made.text;
    open(topic);  // a broker that makes topics by itself does it when it is asked about one
    prepared out;
    while (clock::now() < deadline) {
        ask_to_describe(topic, deadline);
        const auto found = co_await next_answer(deadline);
        if (found.code == error::none && found.partitions > 0) {
            out.partitions = found.partitions;
            co_return out;
        }
        const auto next = std::min(deadline, clock::now() + look_again);
        co_await answered_.wait_until(next);
    }
    out.text = made.code == error::none ? "its partitions do not appear" : std::move(why);
    if (made.code == error::timed_out && !trouble_.empty()) out.text = trouble_;
    co_return out;
}

asio::awaitable<error> rd_topic_reader::remove(std::string topic, clock::time_point deadline) {
    ask_to_remove(topic, deadline);
    const auto done = co_await next_answer(deadline);
    co_return done.code;
}

}  // namespace

std::unique_ptr<topic_reader> create_topic_reader(asio::any_io_executor executor, settings settings,
                                                  name_lookup look_up) {
    return std::make_unique<rd_topic_reader>(std::move(executor), std::move(settings),
                                             std::move(look_up));
}

}  // namespace logagent::kafka
