#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "producer.hpp"

// What librdkafka tells: reports, errors, logs and answers as events, broker states and names to
// look up as notices; and what follows for the state that others see.

namespace logagent::kafka {

namespace asio = boost::asio;

namespace {

constexpr const char* closed_at_once =
    "the broker closes each connection at once; it may want TLS or SASL (kafka.security.protocol)";

}  // namespace

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
            if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
                logged(level, facility, text);
            return;
        }
        case RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT:
        case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
            return inquiries_.answered(event);
        default:
            return;
    }
}

/// A broker that wants TLS closes a plain connection without a word, and the library takes that for
/// no error: all that is left of it is this line, at its lowest level.
void rd_producer::logged(int level, const char* facility, std::string_view text) {
    if (options_.log) options_.log(level, facility, text.data());
    const bool at_once = text.find("in state APIVERSION_QUERY") != text.npos;
    if (!at_once || trouble_ == closed_at_once) return;
    trouble_ = closed_at_once;
    constexpr int error = 3;  // as syslog has it; the library reports other refusals so
    if (options_.log) options_.log(error, "CLOSED", closed_at_once);
    update_state(clock::now());
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
    if (up) {
        all_down_ = false;
        connected_.notify();
    }
    update_state(now);
}

asio::awaitable<void> rd_producer::refresh(std::string host) {
    bool changed = false;
    try {
        changed = co_await names_.refresh(host);
    } catch (const boost::system::system_error& failure) {
        if (failure.code() == asio::error::operation_aborted) throw;  // a stop
        trouble_ = "name look-up of " + host + ": " + failure.what();
    } catch (const std::exception& failure) {
        trouble_ = "name look-up of " + host + ": " + failure.what();
    }
    if (changed && instance_) instance_->names_changed();
}

bool rd_producer::connected() const {
    return std::any_of(brokers_.begin(), brokers_.end(),
                       [](const auto& broker) { return broker.second.up; });
}

void rd_producer::update_state(clock::time_point now) {
    const bool up = phase_ == phase::running && (connected() || !all_down_);
    if (up == up_) return;
    up_ = up;
    since_ = now;
    if (up) trouble_ = "all brokers disconnected; connecting again";
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

}  // namespace logagent::kafka
