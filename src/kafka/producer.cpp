#include "producer.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <boost/system/system_error.hpp>
#include <utility>

#include "logagent/kafka/topic_name.hpp"

namespace logagent::kafka {

namespace asio = boost::asio;

namespace {

constexpr std::size_t records_a_call = 2048;  // bounds the array, 144 KiB

int make_eventfd() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        throw boost::system::system_error{errno, boost::system::system_category(),
                                          "eventfd for librdkafka"};
    return fd;
}

}  // namespace

rd_producer::rd_producer(asio::any_io_executor executor, settings settings,
                         producer_options options)
    : executor_{executor},
      settings_{std::move(settings)},
      options_{std::move(options)},
      notices_{executor},
      names_{options_.look_up, notices_},
      wakes_{executor, make_eventfd()},
      inquiries_{executor},
      backoff_{options_.first_backoff, options_.most_backoff, options_.seed},
      work_{executor},
      settled_{executor},
      connected_{executor},
      since_{clock::now()} {
    messages_.resize(records_a_call);
    start_instance();
}

rd_producer::~rd_producer() {
    destroy_instance();
}

void rd_producer::start_instance() {
    ++serial_;
    brokers_.clear();
    instance_ = std::make_unique<instance>(settings_, options_, wakes_.native_handle(), names_,
                                           notices_, serial_);
}

void rd_producer::destroy_instance() {
    for (auto& topic : topics_) {
        if (topic.handle) rd_kafka_topic_destroy(topic.handle);
        topic.handle = nullptr;
    }
    instance_.reset();
    outstanding_ = 0;
    inquiries_.abandon();
}

topic_handle rd_producer::topic(std::string_view name) {
    if (const auto known = handles_.find(name); known != handles_.end()) return known->second;
    const auto handle = static_cast<topic_handle>(topics_.size());
    topics_.push_back({std::string{name}, nullptr});
    handles_.emplace(name, handle);
    if (phase_ == phase::running) open(topics_.back());  // its metadata is on the way earlier
    return handle;
}

rd_kafka_topic_t* rd_producer::open(topic_slot& slot) {
    if (!slot.handle && valid_topic_name(slot.name))
        slot.handle = rd_kafka_topic_new(instance_->client(), slot.name.c_str(), nullptr);
    return slot.handle;
}

produce_result rd_producer::produce(topic_handle topic, std::int32_t partition,
                                    std::span<const record> records, void* batch) {
    produce_result result;
    if (phase_ != phase::running) return result;
    auto* handle = open(topics_.at(topic));
    if (!handle) {
        for (std::size_t i = 0; i < records.size(); ++i)
            result.refused.push_back({i, error::invalid_topic});
        result.accepted = records.size();
        return result;
    }
    while (result.accepted < records.size()) {
        const auto offset = result.accepted;
        const auto part =
            records.subspan(offset, std::min(records.size() - offset, records_a_call));
        auto* message = messages_.data();
        for (const auto& record : part) {
            message->payload = const_cast<char*>(record.value);  // read only: no F_FREE, no F_COPY
            message->len = record.size;
            message->key = const_cast<char*>(record.key);
            message->key_len = record.key_size;
            message->_private = batch;
            ++message;
        }
        const int taken = rd_kafka_produce_batch(handle, partition, 0, messages_.data(),
                                                 static_cast<int>(part.size()));
        outstanding_ += static_cast<std::size_t>(taken);
        if (static_cast<std::size_t>(taken) == part.size()) {
            result.accepted += part.size();
            continue;
        }
        result = sort_out(part, offset, std::move(result));
        if (result.accepted < offset + part.size()) break;
    }
    return result;
}

/// Reads the codes that the last call left in messages_. Flow control and a broken instance end the
/// call there; anything else is a hole.
produce_result rd_producer::sort_out(std::span<const record> records, std::size_t offset,
                                     produce_result result) {
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto code = code_of(messages_[i].err);
        if (code == error::fatal) work_.notify();
        if (code == error::queue_full || code == error::fatal) {
            result.accepted = offset + i;
            return result;
        }
        if (code != error::none) result.refused.push_back({offset + i, code});
    }
    result.accepted = offset + records.size();
    return result;
}

error rd_producer::produce_with_headers(topic_handle topic, std::int32_t partition,
                                        const record& record, std::span<const header> headers,
                                        void* batch) {
    if (phase_ != phase::running) return error::queue_full;
    auto* handle = open(topics_.at(topic));
    if (!handle) return error::invalid_topic;
    auto* list = rd_kafka_headers_new(headers.size());
    for (const auto& header : headers)
        rd_kafka_header_add(list, header.name.data(), static_cast<ssize_t>(header.name.size()),
                            header.value.data(), static_cast<ssize_t>(header.value.size()));
    const std::array<rd_kafka_vu_t, 6> arguments = [&] {
        std::array<rd_kafka_vu_t, 6> all{};
        all[0].vtype = RD_KAFKA_VTYPE_RKT;
        all[0].u.rkt = handle;
        all[1].vtype = RD_KAFKA_VTYPE_PARTITION;
        all[1].u.i32 = partition;
        all[2].vtype = RD_KAFKA_VTYPE_VALUE;
        all[2].u.mem.ptr = const_cast<char*>(record.value);
        all[2].u.mem.size = record.size;
        all[3].vtype = RD_KAFKA_VTYPE_KEY;
        all[3].u.mem.ptr = const_cast<char*>(record.key);
        all[3].u.mem.size = record.key_size;
        all[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
        all[4].u.ptr = batch;
        all[5].vtype = RD_KAFKA_VTYPE_HEADERS;
        all[5].u.headers = list;
        return all;
    }();
    auto* failure = rd_kafka_produceva(instance_->client(), arguments.data(), arguments.size());
    if (!failure) {
        ++outstanding_;
        return error::none;
    }
    const auto code = code_of(rd_kafka_error_code(failure));
    rd_kafka_error_destroy(failure);
    rd_kafka_headers_destroy(list);  // still ours when the record was not taken
    return code;
}

std::unique_ptr<live_producer> create_producer(asio::any_io_executor executor, settings settings,
                                               producer_options options) {
    return std::make_unique<rd_producer>(std::move(executor), std::move(settings),
                                         std::move(options));
}

}  // namespace logagent::kafka
