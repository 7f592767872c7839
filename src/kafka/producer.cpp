#include "producer.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/system/system_error.hpp>
#include <cassert>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "logagent/kafka/topic_name.hpp"

namespace logagent::kafka {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t records_a_call = 2048;  // bounds the array, 144 KiB
constexpr auto slice = 5ms;                   // of the loop for events, then the others have a turn
constexpr auto safety = 1s;  // librdkafka writes the eventfd once; a lost write must not stop us
constexpr auto drain_look = 10ms;  // how often drain() looks when nobody else serves

int make_eventfd() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        throw boost::system::system_error{errno, boost::system::system_category(),
                                          "eventfd for librdkafka"};
    return fd;
}

error code_of(rd_kafka_resp_err_t code) {
    return static_cast<error>(code);
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

// --- producing -----------------------------------------------------------------------------------

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

// --- events --------------------------------------------------------------------------------------

/// Serves what waits; true = there may be more.
bool rd_producer::serve_events(clock::time_point until) {
    if (!instance_) return false;
    while (const auto event = instance_->poll()) {
        served(event.get());
        if (clock::now() >= until) return true;
    }
    return false;
}

void rd_producer::served(rd_kafka_event_t* event) {
    switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_DR:
            return reported(event);
        case RD_KAFKA_EVENT_ERROR:
            return erred(event);
        case RD_KAFKA_EVENT_LOG: {
            const char *facility = "", *text = "";
            int level = 0;
            if (options_.log && rd_kafka_event_log(event, &facility, &text, &level) == 0)
                options_.log(level, facility, text);
            return;
        }
        case RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT:
        case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
            return inquiries_.answered(event);
        default:
            return;
    }
}

/// One event holds the reports of one ProduceRequest, in order.
void rd_producer::reported(rd_kafka_event_t* event) {
    ++requests_;
    void* batch = nullptr;
    std::uint32_t run = 0;
    std::int32_t broker = -1;
    const auto flush = [&] {
        if (run == 0) return;
        outstanding_ -= run;
        listener_->delivered(batch, std::exchange(run, 0));
    };
    while (const auto* message = rd_kafka_event_message_next(event)) {
        if (message->err) [[unlikely]] {
            flush();
            failed(*message);
            continue;
        }
        if (message->_private != batch) {
            flush();
            batch = message->_private;
        }
        if (broker < 0) broker = rd_kafka_message_broker_id(message);
        ++run;
    }
    flush();
    if (broker >= 0) {
        auto& state = brokers_[broker];
        state.id = broker;
        state.last_ack = clock::now();
        backoff_.reset();
    }
    if (outstanding_ == 0) settled_.notify();
}

void rd_producer::failed(const rd_kafka_message_t& message) {
    --outstanding_;
    const bool possibly_stored =
        rd_kafka_message_status(&message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    listener_->failed(message._private, static_cast<const char*>(message.payload),
                      code_of(message.err), possibly_stored);
}

void rd_producer::erred(rd_kafka_event_t* event) {
    const auto code = code_of(rd_kafka_event_error(event));
    const char* said = rd_kafka_event_error_string(event);
    if (rd_kafka_event_error_is_fatal(event)) {  // `code` is the cause then
        std::array<char, 512> why{};
        const auto cause = rd_kafka_fatal_error(instance_->client(), why.data(), why.size());
        begin_rebuild(why.data(), code_of(cause));
        return;
    }
    if (code == error::all_brokers_down)
        all_down_ = true;  // its own text only counts brokers; the last failure says more
    else
        trouble_ = said ? said : text(code);
    update_state(clock::now());
}

void rd_producer::noticed(char kind, std::string_view text) {
    if (kind == name_cache::notice) {
        tasks_->spawn(refresh(std::string{text}));
        return;
    }
    std::uint64_t serial = 0;
    std::int32_t id = 0;
    const auto* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, serial);
    const auto second = std::from_chars(std::min(first.ptr + 1, end), end, id);
    if (serial != serial_ || second.ec != std::errc{}) return;  // of an instance that is gone
    const auto now = clock::now();
    const bool up = text.ends_with("UP");
    auto& broker = brokers_[id];  // bootstrap addresses share -1
    broker.id = id;
    if (broker.up != up) broker.since = now;
    broker.up = up;
    if (up) all_down_ = false;
    update_state(now);
}

asio::awaitable<void> rd_producer::refresh(std::string host) {
    bool changed = false;
    try {
        changed = co_await names_.refresh(host);
    } catch (const boost::system::system_error& failure) {
        if (failure.code() == asio::error::operation_aborted) throw;
        trouble_ = "name look-up of " + host + ": " + failure.what();
    }
    if (changed && instance_) instance_->names_changed();
}

void rd_producer::update_state(clock::time_point now) {
    const bool connected = std::any_of(brokers_.begin(), brokers_.end(),
                                       [](const auto& broker) { return broker.second.up; });
    const bool up = phase_ == phase::running && (connected || !all_down_);
    if (up == up_) return;
    up_ = up;
    since_ = now;
    if (up) trouble_ = "all brokers disconnected; connecting again";
}

// --- rebuilding ----------------------------------------------------------------------------------

void rd_producer::request_rebuild(std::string reason) {
    if (phase_ != phase::running) return;
    begin_rebuild(std::move(reason), error::none);
}

void rd_producer::limit_batch_bytes(std::uint32_t bytes) {
    if (bytes >= options_.batch_bytes) return;
    options_.batch_bytes = bytes;
    if (phase_ != phase::running) return;  // the next instance gets it anyway
    planned_ = true;
    begin_rebuild("smaller batches", error::none);
}

void rd_producer::begin_rebuild(std::string reason, error code) {
    if (phase_ == phase::waiting) return;
    const auto now = clock::now();
    last_fatal_ = std::move(reason);
    last_fatal_code_ = code;
    if (code != error::none) planned_ = false;
    if (!planned_)  // what was not sent yet comes back at once; requests under way get their time
        rd_kafka_purge(instance_->client(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (phase_ == phase::running) {
        phase_ = phase::draining;
        phase_ends_ = now + options_.socket_timeout + 1s;
    }
    update_state(now);
    work_.notify();
}

void rd_producer::advance(clock::time_point now) {
    if (phase_ == phase::draining && (outstanding_ == 0 || now >= phase_ends_)) {
        destroy_instance();
        phase_ = phase::waiting;
        phase_ends_ = now + (std::exchange(planned_, false) ? clock::duration{0} : backoff_.next());
        if (listener_) listener_->abandoned();
        settled_.notify();
    }
    if (phase_ != phase::waiting || now < phase_ends_) return;
    try {
        start_instance();
        ++rebuilds_;
        phase_ = phase::running;
        all_down_ = true;
        trouble_ = "no connection yet after a rebuild: " + last_fatal_;
    } catch (const std::runtime_error& failure) {
        trouble_ = failure.what();
        phase_ends_ = now + backoff_.next();
    }
    settled_.notify();
}

live_producer::clock::time_point rd_producer::next_step(clock::time_point now) const {
    return phase_ == phase::running ? now + safety : std::min(now + safety, phase_ends_);
}

// --- waiting -------------------------------------------------------------------------------------

asio::awaitable<void> rd_producer::run() {
    async::task_group tasks{executor_};
    tasks_ = &tasks;
    tasks.spawn(read_wakes());
    tasks.spawn(notices_.read([this](char kind, std::string_view text) { noticed(kind, text); }));
    for (auto& host : broker_hosts(settings_.brokers))  // known before the first connection asks
        tasks.spawn(refresh(std::move(host)));

    std::exception_ptr ended;
    try {
        co_await serve();
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    // A stop of run() itself would otherwise make this very wait throw, with the tasks still there.
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto failure = co_await tasks.join();
    tasks_ = nullptr;
    std::rethrow_exception(failure ? failure : ended);
}

asio::awaitable<void> rd_producer::serve() {
    // The readers end only by a stop or a failure, and a failure stops all of them.
    while (!tasks_->empty()) {
        const auto now = clock::now();
        const bool more = serve_events(now + slice);
        advance(now);
        if (more) {
            co_await asio::post(executor_, asio::use_awaitable);
        } else {
            const auto deadline = next_step(now);
            co_await work_.wait_until(deadline);
        }
    }
    throw std::runtime_error{"a task of the Kafka producer ended"};
}

asio::awaitable<void> rd_producer::read_wakes() {
    for (;;) {
        co_await wakes_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
        std::uint64_t count = 0;
        // Nothing to do when it fails: another wake has read it, and we serve anyway.
        [[maybe_unused]] const auto size = ::read(wakes_.native_handle(), &count, sizeof count);
        work_.notify();
    }
}

asio::awaitable<bool> rd_producer::drain(clock::time_point deadline) {
    for (;;) {
        const auto now = clock::now();
        const bool more = serve_events(now + slice);
        if (outstanding_ == 0) co_return true;
        if (now >= deadline) co_return false;
        if (more) {
            co_await asio::post(executor_, asio::use_awaitable);
        } else {
            const auto look = std::min(deadline, now + drain_look);
            co_await settled_.wait_until(look);
        }
    }
}

asio::awaitable<std::vector<topic_description>> rd_producer::describe(
    std::vector<std::string> topics, clock::time_point deadline) {
    while (!instance_ && clock::now() < deadline) {
        const auto look = std::min(deadline, clock::now() + 100ms);
        async::event wait{executor_};
        co_await wait.wait_until(look);
    }
    std::vector<topic_description> answers;
    if (instance_) {
        answers = co_await inquiries_.ask(*instance_, std::move(topics), deadline);
        co_return answers;
    }
    for (auto& name : topics) {
        auto& topic = answers.emplace_back();
        topic.topic = std::move(name);
        topic.code = error::timed_out;
    }
    co_return answers;
}

producer_state rd_producer::state() const {
    producer_state state;
    state.up = up_;
    if (!up_) state.text = trouble_;
    if (phase_ != phase::running) state.text = "the client is being replaced: " + last_fatal_;
    state.since = since_;
    state.rebuilds = rebuilds_;
    state.last_fatal = last_fatal_;
    state.last_fatal_code = last_fatal_code_;
    return state;
}

std::vector<broker_state> rd_producer::brokers() const {
    std::vector<broker_state> known;
    for (const auto& [id, broker] : brokers_)
        if (id >= 0) known.push_back(broker);
    return known;
}

std::unique_ptr<live_producer> create_producer(asio::any_io_executor executor, settings settings,
                                               producer_options options) {
    return std::make_unique<rd_producer>(std::move(executor), std::move(settings),
                                         std::move(options));
}

}  // namespace logagent::kafka
