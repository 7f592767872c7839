#include "logagent/kafka/topic_reader.hpp"

#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "instance.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "name_cache.hpp"
#include "notices.hpp"

namespace logagent::kafka {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto slice = 5ms;         // of the loop for events, then the others have a turn
constexpr auto safety = 1s;         // a lost write to the eventfd must not stop us
constexpr auto look_again = 300ms;  // for the partitions of a topic that is being made

using error_text = std::array<char, 512>;

void set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
    error_text why{};
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK)
        throw std::runtime_error{"kafka." + name + ": " + why.data()};
}

int make_eventfd() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        throw boost::system::system_error{errno, boost::system::system_category(),
                                          "eventfd for librdkafka"};
    return fd;
}

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

class rd_topic_reader final : public topic_reader {
public:
    rd_topic_reader(asio::any_io_executor executor, settings settings, name_lookup look_up);
    ~rd_topic_reader() override;

    asio::awaitable<void> run(receiver to) override;
    asio::awaitable<prepared> prepare(std::string topic, int partitions,
                                      clock::time_point deadline) override;
    void read(const std::string& topic, int partitions) override;
    asio::awaitable<error> remove(std::string topic, clock::time_point deadline) override;
    std::string trouble() const override { return trouble_; }

private:
    rd_kafka_conf_t* configure();
    void open(const std::string& topic);
    bool serve_events(clock::time_point until, const receiver& to);
    void served(rd_kafka_event_t* event, const receiver& to);
    asio::awaitable<void> serve(async::task_group& tasks, const receiver& to);
    asio::awaitable<void> read_wakes();
    asio::awaitable<void> refresh(std::string host);

    rd_kafka_AdminOptions_t* options_for(rd_kafka_admin_op_t kind, clock::time_point deadline);
    void ask_to_create(const std::string& topic, int partitions, clock::time_point deadline);
    void ask_to_remove(const std::string& topic, clock::time_point deadline);
    void ask_to_describe(const std::string& topic, clock::time_point deadline);
    asio::awaitable<answer> next_answer(clock::time_point deadline);

    asio::any_io_executor executor_;
    settings settings_;
    notices notices_;
    name_cache names_;
    asio::posix::stream_descriptor wakes_;  // the eventfd that librdkafka writes
    async::event work_;                     // something to serve
    async::event answered_;
    std::uintptr_t asked_ = 0;  // the request whose answer is waited for
    std::optional<answer> answer_;
    rd_kafka_t* client_ = nullptr;
    rd_kafka_queue_t* queue_ = nullptr;  // for all: records, answers, errors, logs
    rd_kafka_topic_t* topic_ = nullptr;
    int reading_ = 0;  // partitions
    std::string trouble_;
};

rd_topic_reader::rd_topic_reader(asio::any_io_executor executor, settings settings,
                                 name_lookup look_up)
    : executor_{executor},
      settings_{std::move(settings)},
      notices_{executor},
      names_{std::move(look_up), notices_},
      wakes_{executor, make_eventfd()},
      work_{executor},
      answered_{executor} {
    auto* conf = configure();
    error_text why{};
    client_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
    if (!client_) {
        rd_kafka_conf_destroy(conf);
        throw std::runtime_error{std::string{"librdkafka: "} + why.data()};
    }
    queue_ = rd_kafka_queue_new(client_);
    auto* main = rd_kafka_queue_get_main(client_);
    rd_kafka_queue_forward(main, queue_);
    rd_kafka_queue_destroy(main);
    rd_kafka_set_log_queue(client_, queue_);
    const std::uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue_, wakes_.native_handle(), &one, sizeof one);
}

rd_topic_reader::~rd_topic_reader() {
    rd_kafka_queue_io_event_enable(queue_, -1, nullptr, 0);
    for (int partition = 0; partition < reading_; ++partition)
        rd_kafka_consume_stop(topic_, partition);
    if (topic_) rd_kafka_topic_destroy(topic_);
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(client_);
}

rd_kafka_conf_t* rd_topic_reader::configure() {
    struct deleter {
        void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
    };
    std::unique_ptr<rd_kafka_conf_t, deleter> conf{rd_kafka_conf_new()};
    for (const auto& [name, value] : settings_.properties)
        set(conf.get(), name, value);
    set(conf.get(), "bootstrap.servers", settings_.brokers);
    set(conf.get(), "enable.auto.commit", "false");
    set(conf.get(), "auto.offset.reset", "earliest");
    set(conf.get(), "check.crcs", "true");
    set(conf.get(), "allow.auto.create.topics", "true");
    set(conf.get(), "fetch.wait.max.ms", "100");
    set(conf.get(), "fetch.error.backoff.ms", "100");
    set(conf.get(), "reconnect.backoff.max.ms", "500");
    set(conf.get(), "queued.max.messages.kbytes", "4096");
    rd_kafka_conf_set_opaque(conf.get(), &names_);
    rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
    rd_kafka_conf_set_events(conf.get(),
                             RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rd_kafka_conf_set_resolve_cb(
        conf.get(), [](const char* node, const char* service, const addrinfo* hints,
                       addrinfo** result, void* opaque) {
            if (node)
                return static_cast<name_cache*>(opaque)->resolve(node, service, hints, result);
            name_cache::release(*result);
            return 0;
        });
    return conf.release();
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
            trouble_ = rd_kafka_event_error_string(event);
            return;
        default:
            return;
    }
}

asio::awaitable<void> rd_topic_reader::run(receiver to) {
    async::task_group tasks{executor_};
    tasks.spawn(read_wakes());
    tasks.spawn(notices_.read([this, &tasks](char kind, std::string_view text) {
        if (kind == name_cache::notice) tasks.spawn(refresh(std::string{text}));
    }));
    for (auto& host : broker_hosts(settings_.brokers))
        tasks.spawn(refresh(std::move(host)));

    std::exception_ptr ended;
    try {
        co_await serve(tasks, to);
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto failure = co_await tasks.join();
    std::rethrow_exception(failure ? failure : ended);
}

asio::awaitable<void> rd_topic_reader::serve(async::task_group& tasks, const receiver& to) {
    while (!tasks.empty()) {
        const auto now = clock::now();
        if (serve_events(now + slice, to)) {
            co_await asio::post(executor_, asio::use_awaitable);
        } else {
            const auto deadline = now + safety;
            co_await work_.wait_until(deadline);
        }
    }
    throw std::runtime_error{"a task of the Kafka reader ended"};
}

asio::awaitable<void> rd_topic_reader::read_wakes() {
    for (;;) {
        co_await wakes_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
        std::uint64_t count = 0;
        [[maybe_unused]] const auto size = ::read(wakes_.native_handle(), &count, sizeof count);
        work_.notify();
    }
}

asio::awaitable<void> rd_topic_reader::refresh(std::string host) {
    try {
        co_await names_.refresh(host);
    } catch (const boost::system::system_error& failure) {
        if (failure.code() == asio::error::operation_aborted) throw;  // a stop
        trouble_ = "name look-up of " + host + ": " + failure.what();
    } catch (const std::exception& failure) {
        trouble_ = "name look-up of " + host + ": " + failure.what();
    }
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
