#include "inquiries.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "logagent/kafka/topic_name.hpp"

namespace logagent::kafka {

namespace asio = boost::asio;

namespace {

struct options_deleter {
    void operator()(rd_kafka_AdminOptions_t* options) const {
        rd_kafka_AdminOptions_destroy(options);
    }
};
using options_ptr = std::unique_ptr<rd_kafka_AdminOptions_t, options_deleter>;

options_ptr make_options(rd_kafka_t* client, rd_kafka_admin_op_t kind,
                         std::chrono::milliseconds timeout, std::uintptr_t id) {
    options_ptr options{rd_kafka_AdminOptions_new(client, kind)};
    std::array<char, 256> why{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(timeout.count()),
                                              why.data(), why.size());
    rd_kafka_AdminOptions_set_opaque(options.get(), reinterpret_cast<void*>(id));
    return options;
}

void ask_topics(instance& client, std::vector<const char*> names, std::chrono::milliseconds timeout,
                std::uintptr_t id) {
    const auto options =
        make_options(client.client(), RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout, id);
    auto* topics = rd_kafka_TopicCollection_of_topic_names(names.data(), names.size());
    rd_kafka_DescribeTopics(client.client(), topics, options.get(), client.queue());
    rd_kafka_TopicCollection_destroy(topics);
}

void ask_limits(instance& client, const std::vector<const char*>& names,
                std::chrono::milliseconds timeout, std::uintptr_t id) {
    const auto options =
        make_options(client.client(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout, id);
    std::vector<rd_kafka_ConfigResource_t*> resources;
    for (const auto* name : names) {
        auto* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
        // Only these two: a topic has about thirty, and there may be hundreds of topics.
        rd_kafka_ConfigResource_set_config(resource, "max.message.bytes", nullptr);
        rd_kafka_ConfigResource_set_config(resource, "min.insync.replicas", nullptr);
        resources.push_back(resource);
    }
    rd_kafka_DescribeConfigs(client.client(), resources.data(), resources.size(), options.get(),
                             client.queue());
    rd_kafka_ConfigResource_destroy_array(resources.data(), resources.size());
}

template <typename Number>
std::optional<Number> number(const char* text) {
    Number value{};
    const auto* end = text + std::strlen(text);
    const auto [stop, failure] = std::from_chars(text, end, value);
    if (failure != std::errc{} || stop != end) return std::nullopt;
    return value;
}

/// Empty where the broker is too old to tell.
std::string id_of(const rd_kafka_Uuid_t* id) {
    const bool known = id && (rd_kafka_Uuid_most_significant_bits(id) != 0 ||
                              rd_kafka_Uuid_least_significant_bits(id) != 0);
    std::string text = known ? rd_kafka_Uuid_base64str(id) : "";
    // As Kafka's own tools write it, and so that it may be part of a path.
    std::replace(text.begin(), text.end(), '/', '_');
    std::replace(text.begin(), text.end(), '+', '-');
    return text;
}

topic_description describe(const rd_kafka_TopicDescription_t* found) {
    topic_description topic;
    topic.topic = rd_kafka_TopicDescription_name(found);
    if (const auto* failure = rd_kafka_TopicDescription_error(found))
        topic.code = static_cast<error>(rd_kafka_error_code(failure));
    if (topic.code != error::none) return topic;
    topic.topic_id = id_of(rd_kafka_TopicDescription_topic_id(found));
    std::size_t count = 0;
    const auto** partitions = rd_kafka_TopicDescription_partitions(found, &count);
    for (std::size_t i = 0; i < count; ++i) {
        topic_description::partition partition;
        std::size_t nodes = 0;
        partition.id = rd_kafka_TopicPartitionInfo_partition(partitions[i]);
        if (const auto* leader = rd_kafka_TopicPartitionInfo_leader(partitions[i]))
            partition.leader = rd_kafka_Node_id(leader);
        rd_kafka_TopicPartitionInfo_replicas(partitions[i], &nodes);
        partition.replicas = static_cast<int>(nodes);
        rd_kafka_TopicPartitionInfo_isr(partitions[i], &nodes);
        partition.in_sync = static_cast<int>(nodes);
        topic.partitions.push_back(partition);
    }
    std::sort(topic.partitions.begin(), topic.partitions.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return topic;
}

}  // namespace

asio::awaitable<std::vector<topic_description>> inquiries::ask(instance& client,
                                                               std::vector<std::string> topics,
                                                               clock::time_point deadline) {
    const auto id = ++last_id_;
    auto& asked = open_.try_emplace(id, executor_).first->second;
    // Also when this coroutine is stopped: the answer may come later, to nobody.
    struct closing {
        std::map<std::uintptr_t, inquiries::inquiry>& open;
        std::uintptr_t id;
        ~closing() { open.erase(id); }
    };
    const closing on_exit{open_, id};

    std::vector<const char*> names;
    for (const auto& name : topics) {
        auto& topic = asked.topics[name];
        if (!topic.topic.empty()) continue;  // given twice; librdkafka refuses that
        topic.topic = name;
        topic.code = valid_topic_name(name) ? error::timed_out : error::invalid_topic;
        if (topic.code == error::timed_out) names.push_back(name.c_str());
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
    if (!names.empty() && left.count() > 0) {
        const auto timeout = std::clamp<std::chrono::milliseconds>(
            left, std::chrono::milliseconds{1}, std::chrono::minutes{10});
        asked.missing = 2;
        ask_topics(client, names, timeout, id);
        ask_limits(client, names, timeout, id);
        while (asked.missing > 0 && clock::now() < deadline)
            co_await asked.done.wait_until(deadline);
    }
    std::vector<topic_description> answers;
    for (const auto& name : topics)
        answers.push_back(asked.topics[name]);
    co_return answers;
}

void inquiries::answered(rd_kafka_event_t* event) {
    const auto id = reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event));
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT)
        take_topics(found->second, event);
    else
        take_limits(found->second, event);
    if (--found->second.missing == 0) found->second.done.notify();
}

void inquiries::abandon() {
    for (auto& [id, asked] : open_) {
        asked.missing = 0;
        asked.done.notify();
    }
}

void inquiries::take_topics(inquiry& asked, rd_kafka_event_t* event) {
    if (const auto code = rd_kafka_event_error(event)) {
        for (auto& [name, topic] : asked.topics)
            if (topic.code == error::timed_out) topic.code = static_cast<error>(code);
        return;
    }
    std::size_t count = 0;
    const auto** found =
        rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);
    for (std::size_t i = 0; i < count; ++i) {
        auto topic = describe(found[i]);
        auto& slot = asked.topics[topic.topic];
        topic.max_message_bytes = slot.max_message_bytes;
        topic.min_insync_replicas = slot.min_insync_replicas;
        slot = std::move(topic);
    }
}

void inquiries::take_limits(inquiry& asked, rd_kafka_event_t* event) {
    if (rd_kafka_event_error(event)) return;  // no right to ask, or a broker that does not know it
    std::size_t count = 0;
    const auto** resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto found = asked.topics.find(rd_kafka_ConfigResource_name(resources[i]));
        if (found == asked.topics.end() || rd_kafka_ConfigResource_error(resources[i])) continue;
        std::size_t entries = 0;
        const auto** configs = rd_kafka_ConfigResource_configs(resources[i], &entries);
        for (std::size_t j = 0; j < entries; ++j) {
            const std::string_view name = rd_kafka_ConfigEntry_name(configs[j]);
            const char* value = rd_kafka_ConfigEntry_value(configs[j]);
            if (!value) continue;
            if (name == "max.message.bytes")
                found->second.max_message_bytes = number<std::uint32_t>(value);
            if (name == "min.insync.replicas")
                found->second.min_insync_replicas = number<int>(value);
        }
    }
}

}  // namespace logagent::kafka
