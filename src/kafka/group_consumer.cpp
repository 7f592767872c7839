#include "logagent/kafka/group_consumer.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include "client_loop.hpp"
#include "instance.hpp"
#include "logagent/async/event.hpp"

namespace logagent::kafka {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// One fetched record is one event, which owns the memory.
void consumed_record::give_back::operator()(memory* of) const noexcept {
    rd_kafka_event_destroy(reinterpret_cast<rd_kafka_event_t*>(of));
}

std::optional<std::string_view> consumed_record::header(const char* name) const {
    rd_kafka_headers_t* headers = nullptr;
    const void* found = nullptr;
    std::size_t size = 0;
    if (!of_ ||
        rd_kafka_message_headers(static_cast<const rd_kafka_message_t*>(message_), &headers) ||
        rd_kafka_header_get_last(headers, name, &found, &size))
        return std::nullopt;
    return std::string_view{static_cast<const char*>(found), size};
}

namespace {

struct list_deleter {
    void operator()(rd_kafka_topic_partition_list_t* list) const {
        rd_kafka_topic_partition_list_destroy(list);
    }
};
using list_ptr = std::unique_ptr<rd_kafka_topic_partition_list_t, list_deleter>;

list_ptr list_of(std::size_t room) {
    return list_ptr{rd_kafka_topic_partition_list_new(static_cast<int>(room))};
}

list_ptr list_of(const std::vector<partition_name>& partitions) {
    auto list = list_of(partitions.size());
    for (const auto& each : partitions)
        rd_kafka_topic_partition_list_add(list.get(), each.topic.c_str(), each.number);
    return list;
}

std::vector<partition_name> names_of(const rd_kafka_topic_partition_list_t& list) {
    std::vector<partition_name> names;
    for (int at = 0; at < list.cnt; ++at)
        names.push_back({list.elems[at].topic, list.elems[at].partition});
    return names;
}

std::vector<committed_offset> offsets_of(const rd_kafka_topic_partition_list_t* list) {
    std::vector<committed_offset> all;
    for (int at = 0; list && at < list->cnt; ++at) {
        const auto& one = list->elems[at];
        committed_offset found;
        found.partition = {one.topic, one.partition};
        found.offset = one.offset < 0 ? -1 : one.offset;
        found.metadata.assign(static_cast<const char*>(one.metadata), one.metadata_size);
        found.code = code_of(one.err);
        all.push_back(std::move(found));
    }
    return all;
}

/// The answer to list_offsets().
std::vector<committed_offset> listed_by(rd_kafka_event_t* event) {
    std::vector<committed_offset> all;
    const auto* const result = rd_kafka_event_ListOffsets_result(event);
    if (!result) return all;
    std::size_t count = 0;
    const auto** found = rd_kafka_ListOffsets_result_infos(result, &count);
    for (std::size_t at = 0; at < count; ++at) {
        const auto* const one = rd_kafka_ListOffsetsResultInfo_topic_partition(found[at]);
        committed_offset offset;
        offset.partition = {one->topic, one->partition};
        offset.offset = one->offset < 0 ? -1 : one->offset;
        offset.code = code_of(one->err);
        all.push_back(std::move(offset));
    }
    return all;
}

rd_kafka_AdminOptions_t* admin_options(rd_kafka_t* client, rd_kafka_admin_op_t kind,
                                       std::uintptr_t id,
                                       group_consumer::clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - group_consumer::clock::now());
    auto* const options = rd_kafka_AdminOptions_new(client, kind);
    std::array<char, 256> why{};
    rd_kafka_AdminOptions_set_request_timeout(
        options, static_cast<int>(std::clamp<long>(left.count(), 1, 600'000)), why.data(),
        why.size());
    rd_kafka_AdminOptions_set_opaque(options, reinterpret_cast<void*>(id));
    return options;
}

class rd_group_consumer final : public group_consumer {
public:
    rd_group_consumer(asio::any_io_executor executor, settings settings, group_options options);
    ~rd_group_consumer() override;

    asio::awaitable<void> run(std::vector<std::string> topics, group_listener& to) override;
    void start(const std::vector<position>& at) override;
    void release(const std::vector<partition_name>& partitions) override;
    void pause(const partition_name& partition) override;
    void resume(const partition_name& partition) override;
    asio::awaitable<std::vector<committed_offset>> committed(std::vector<partition_name> partitions,
                                                             clock::time_point deadline) override;
    asio::awaitable<std::vector<committed_offset>> commit(std::vector<position> positions,
                                                          clock::time_point deadline) override;
    asio::awaitable<std::vector<committed_offset>> list_offsets(
        std::vector<position> wanted, clock::time_point deadline) override;
    asio::awaitable<void> close(clock::time_point deadline) override;

private:
    /// A request whose answer comes as an event with its number.
    struct request {
        explicit request(asio::any_io_executor executor) : answered{std::move(executor)} {}
        async::event answered;
        std::optional<std::vector<committed_offset>> answer;
    };

    conf_ptr configure();
    void subscribe(const std::vector<std::string>& topics);
    bool serve(clock::time_point until, group_listener& to);
    void served(event_ptr event, group_listener& to);
    void fetched(event_ptr event, group_listener& to);
    void rebalanced(rd_kafka_event_t* event, group_listener& to);
    void answered(rd_kafka_event_t* event, std::vector<committed_offset> with, error code);
    asio::awaitable<std::vector<committed_offset>> answer_to(std::uintptr_t id,
                                                             clock::time_point deadline);
    std::uintptr_t ask();
    void tell(rd_kafka_error_t* failure);

    asio::any_io_executor executor_;
    settings settings_;
    group_options options_;
    client_loop loop_;
    async::event closed_;
    rd_kafka_t* client_ = nullptr;
    rd_kafka_queue_t* queue_ = nullptr;  // for all: records, rebalances, answers, errors, logs
    group_listener* listener_ = nullptr;
    std::map<std::uintptr_t, request> open_;
    std::uintptr_t last_id_ = 0;
};

rd_group_consumer::rd_group_consumer(asio::any_io_executor executor, settings settings,
                                     group_options options)
    : executor_{executor},
      settings_{std::move(settings)},
      options_{std::move(options)},
      loop_{executor, options_.look_up},
      closed_{executor} {
    auto conf = configure();
    std::array<char, 512> why{};
    client_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), why.data(), why.size());
    if (!client_) throw std::runtime_error{std::string{"librdkafka: "} + why.data()};
    [[maybe_unused]] auto* const taken = conf.release();
    rd_kafka_poll_set_consumer(client_);
    queue_ = rd_kafka_queue_get_consumer(client_);
    rd_kafka_set_log_queue(client_, queue_);
    loop_.wake_by(queue_);
}

rd_group_consumer::~rd_group_consumer() {
    client_loop::silence(queue_);
    rd_kafka_queue_destroy(queue_);
    // close() has left the group; otherwise this would wait for the coordinator's answer.
    rd_kafka_destroy_flags(client_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

conf_ptr rd_group_consumer::configure() {
    auto conf = loop_.configure(
        settings_, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT);
    const auto set = [&](const char* name, const std::string& value) {
        set_property(conf.get(), name, value);
    };
    set("group.id", options_.group);
    // A member that died gives its partitions back after this; the answers to the broker come from
    // the client's own thread, so a busy loop does not miss them.
    set("session.timeout.ms", "10000");
    set("enable.auto.commit", "false");
    set("enable.auto.offset.store", "false");
    set("auto.offset.reset", "earliest");  // librdkafka's default would pass over what is there
    set("partition.assignment.strategy", "cooperative-sticky");
    set("isolation.level", "read_committed");
    set("check.crcs", "true");
    set("queued.max.messages.kbytes", std::to_string(options_.queued_kib));
    if (!options_.hidden_topics.empty()) set("topic.blacklist", options_.hidden_topics);
    set("fetch.error.backoff.ms", "100");
    // Of one partition in one answer, packed. What an answer brings comes on top of the queue's
    // bound, unpacked, so it must be small beside it.
    const auto packed = std::clamp<std::uint32_t>(options_.queued_kib / 16, 64, 1024);
    set("fetch.message.max.bytes", std::to_string(packed << 10));
    set("topic.metadata.refresh.interval.ms", "10000");  // new partitions, topics of a pattern
    return conf;
}

void rd_group_consumer::subscribe(const std::vector<std::string>& topics) {
    auto list = list_of(topics.size());
    for (const auto& topic : topics)
        rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    if (const auto code = rd_kafka_subscribe(client_, list.get()))
        throw std::runtime_error{"subscribing: " + text(code_of(code))};
}

asio::awaitable<void> rd_group_consumer::run(std::vector<std::string> topics, group_listener& to) {
    listener_ = &to;
    subscribe(topics);
    client_loop::server serving = [&](clock::time_point until) { return serve(until, to); };
    std::function<void(std::string)> complaining = [&](std::string what) {
        to.complaint(error::transport, what);
    };
    co_await loop_.run(settings_.brokers, std::move(serving), std::move(complaining));
}

bool rd_group_consumer::serve(clock::time_point until, group_listener& to) {
    int left = 64;  // between two looks at the clock
    while (event_ptr event{rd_kafka_queue_poll(queue_, 0)}) {
        served(std::move(event), to);
        if (--left > 0) continue;
        if (clock::now() >= until) return true;
        left = 64;
    }
    if (rd_kafka_consumer_closed(client_)) closed_.notify();
    return false;
}

void rd_group_consumer::served(event_ptr event, group_listener& to) {
    rd_kafka_event_t* const what = event.get();
    switch (rd_kafka_event_type(what)) {
        case RD_KAFKA_EVENT_FETCH:
            return fetched(std::move(event), to);
        case RD_KAFKA_EVENT_REBALANCE:
            return rebalanced(what, to);
        case RD_KAFKA_EVENT_OFFSET_COMMIT:
            return answered(what, offsets_of(rd_kafka_event_topic_partition_list(what)),
                            code_of(rd_kafka_event_error(what)));
        case RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT: {
            std::size_t count = 0;
            const auto* result = rd_kafka_event_ListConsumerGroupOffsets_result(what);
            const auto** groups =
                result ? rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count) : nullptr;
            auto code = code_of(rd_kafka_event_error(what));
            if (count == 0) return answered(what, {}, code);
            if (const auto* failure = rd_kafka_group_result_error(groups[0]))
                code = code_of(rd_kafka_error_code(failure));
            return answered(what, offsets_of(rd_kafka_group_result_partitions(groups[0])), code);
        }
        case RD_KAFKA_EVENT_LISTOFFSETS_RESULT:
            return answered(what, listed_by(what), code_of(rd_kafka_event_error(what)));
        case RD_KAFKA_EVENT_ERROR:
            return to.complaint(code_of(rd_kafka_event_error(what)),
                                rd_kafka_event_error_string(what));
        default:
            return;
    }
}

void rd_group_consumer::fetched(event_ptr event, group_listener& to) {
    const auto* const message = rd_kafka_event_message_next(event.get());
    if (!message) return;
    if (message->err) {
        if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            to.complaint(code_of(message->err), rd_kafka_message_errstr(message));
        return;
    }
    // A record is one of its client's events: a million of them a second need no holder each.
    auto* const memory = reinterpret_cast<consumed_record::memory*>(event.release());
    consumed_record record{memory, message};
    record.topic = rd_kafka_topic_name(message->rkt);
    record.partition = message->partition;
    record.offset = message->offset;
    record.timestamp_ms = rd_kafka_message_timestamp(message, nullptr);
    record.key = {static_cast<const char*>(message->key), message->key_len};
    record.value = {static_cast<const char*>(message->payload), message->len};
    record.has_value = message->payload != nullptr;
    to.took(std::move(record));
}

void rd_group_consumer::rebalanced(rd_kafka_event_t* event, group_listener& to) {
    const auto* const list = rd_kafka_event_topic_partition_list(event);
    const auto partitions = list ? names_of(*list) : std::vector<partition_name>{};
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        to.assigned(partitions);
        return;
    }
    to.revoked(partitions, rd_kafka_assignment_lost(client_) == 1);
}

void rd_group_consumer::tell(rd_kafka_error_t* failure) {
    if (!failure) return;
    if (listener_)
        listener_->complaint(code_of(rd_kafka_error_code(failure)), rd_kafka_error_string(failure));
    rd_kafka_error_destroy(failure);
}

void rd_group_consumer::start(const std::vector<position>& at) {
    auto list = list_of(at.size());
    for (const auto& each : at) {
        auto* const added = rd_kafka_topic_partition_list_add(
            list.get(), each.partition.topic.c_str(), each.partition.number);
        added->offset = each.offset;
    }
    tell(rd_kafka_incremental_assign(client_, list.get()));
}

void rd_group_consumer::release(const std::vector<partition_name>& partitions) {
    const auto list = list_of(partitions);
    tell(rd_kafka_incremental_unassign(client_, list.get()));
}

void rd_group_consumer::pause(const partition_name& partition) {
    const auto list = list_of(std::vector{partition});
    rd_kafka_pause_partitions(client_, list.get());
}

void rd_group_consumer::resume(const partition_name& partition) {
    const auto list = list_of(std::vector{partition});
    rd_kafka_resume_partitions(client_, list.get());
}

std::uintptr_t rd_group_consumer::ask() {
    open_.try_emplace(++last_id_, executor_);
    return last_id_;
}

void rd_group_consumer::answered(rd_kafka_event_t* event, std::vector<committed_offset> with,
                                 error code) {
    const auto id = reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event));
    const auto found = open_.find(id);
    if (found == open_.end()) return;  // nobody waits any more
    for (auto& each : with)
        if (each.code == error::none) each.code = code;
    found->second.answer = std::move(with);
    found->second.answered.notify();
}

asio::awaitable<std::vector<committed_offset>> rd_group_consumer::answer_to(
    std::uintptr_t id, clock::time_point deadline) {
    struct closing {
        std::map<std::uintptr_t, request>& open;
        std::uintptr_t id;
        ~closing() { open.erase(id); }
    };
    const closing on_exit{open_, id};
    auto& asked = open_.at(id);
    while (!asked.answer && clock::now() < deadline)
        co_await asked.answered.wait_until(deadline);
    std::vector<committed_offset> answer;
    if (asked.answer) answer = std::move(*asked.answer);
    co_return answer;
}

asio::awaitable<std::vector<committed_offset>> rd_group_consumer::committed(
    std::vector<partition_name> partitions, clock::time_point deadline) {
    const auto id = ask();
    auto* const options =
        admin_options(client_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, id, deadline);
    const auto list = list_of(partitions);
    auto* wanted = rd_kafka_ListConsumerGroupOffsets_new(options_.group.c_str(), list.get());
    rd_kafka_ListConsumerGroupOffsets(client_, &wanted, 1, options, queue_);
    rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
    rd_kafka_AdminOptions_destroy(options);
    auto answer = co_await answer_to(id, deadline);
    co_return answer;
}

asio::awaitable<std::vector<committed_offset>> rd_group_consumer::commit(
    std::vector<position> positions, clock::time_point deadline) {
    const auto id = ask();
    auto list = list_of(positions.size());
    for (const auto& each : positions) {
        auto* const added = rd_kafka_topic_partition_list_add(
            list.get(), each.partition.topic.c_str(), each.partition.number);
        added->offset = each.offset;
        if (each.metadata.empty()) continue;
        added->metadata = std::malloc(each.metadata.size());  // freed with the list
        if (!added->metadata) throw std::bad_alloc{};
        std::memcpy(added->metadata, each.metadata.data(), each.metadata.size());
        added->metadata_size = each.metadata.size();
    }
    const auto refused =
        rd_kafka_commit_queue(client_, list.get(), queue_, nullptr, reinterpret_cast<void*>(id));
    std::vector<committed_offset> answer;
    if (refused) {
        open_.erase(id);
        for (auto& each : positions)
            answer.push_back({std::move(each.partition), -1, {}, code_of(refused)});
        co_return answer;
    }
    answer = co_await answer_to(id, deadline);
    co_return answer;
}

asio::awaitable<std::vector<committed_offset>> rd_group_consumer::list_offsets(
    std::vector<position> wanted, clock::time_point deadline) {
    const auto id = ask();
    auto* const options = admin_options(client_, RD_KAFKA_ADMIN_OP_LISTOFFSETS, id, deadline);
    // What may be read is what matters: the end of a transaction that is open is no lag.
    if (auto* const refused = rd_kafka_AdminOptions_set_isolation_level(
            options, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED))
        rd_kafka_error_destroy(refused);
    auto list = list_of(wanted.size());
    for (const auto& each : wanted)
        rd_kafka_topic_partition_list_add(list.get(), each.partition.topic.c_str(),
                                          each.partition.number)
            ->offset = each.offset;
    rd_kafka_ListOffsets(client_, list.get(), options, queue_);
    rd_kafka_AdminOptions_destroy(options);
    auto answer = co_await answer_to(id, deadline);
    co_return answer;
}

asio::awaitable<void> rd_group_consumer::close(clock::time_point deadline) {
    tell(rd_kafka_consumer_close_queue(client_, queue_));
    while (!rd_kafka_consumer_closed(client_) && clock::now() < deadline)
        co_await closed_.wait_until(deadline);
}

}  // namespace

std::unique_ptr<group_consumer> create_group_consumer(asio::any_io_executor executor,
                                                      settings settings, group_options options) {
    return std::make_unique<rd_group_consumer>(std::move(executor), std::move(settings),
                                               std::move(options));
}

}  // namespace logagent::kafka
