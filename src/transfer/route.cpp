#include "route.hpp"

#include <algorithm>

#include "logagent/async/guarded.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "sink_kinds.hpp"
#include "topic_choice.hpp"

// What comes in, what comes back, and the beginning and the end. The partitions are in
// route_lanes.cpp, what runs beside them in route_loops.cpp.

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// What a record costs beside its key and value: librdkafka's message, its event, and ours.
constexpr std::uint32_t record_overhead = 512;

// Of a route's share, this part is for what the client fetches ahead.
constexpr std::uint64_t fetch_part = 4;

constexpr auto close_reserve = 2s;  // of the time for a stop, for leaving the group

kafka::name_lookup look_up(dns::resolver& names) {
    return [&names](std::string host) -> asio::awaitable<std::vector<boost::asio::ip::address>> {
        const auto deadline = std::chrono::steady_clock::now() + 5s;
        auto found = co_await names.resolve(std::move(host), deadline);
        co_return std::move(found.addresses);
    };
}

}  // namespace

route::route(route_parts parts, route_settings how, sink_settings where)
    : parts_{std::move(parts)},
      how_{std::move(how)},
      where_{std::move(where)},
      guard_{how_.dead_letter_percent},
      tasks_{parts_.executor},
      ordered_{parts_.executor},
      flow_{parts_.executor},
      survey_{parts_.executor},
      wake_{parts_.executor},
      progress_{parts_.executor},
      pause_{200ms, 5s, parts_.last_lane + 1} {
    documents_ = create_document_maker(how_.documents).value();
    memory_.freed = [this] { freed(); };
    limit_memory(parts_.memory_bytes);
    kafka::group_options options;
    options.group = parts_.group;
    options.queued_kib = static_cast<std::uint32_t>(
        std::max<std::uint64_t>(parts_.memory_bytes / fetch_part, 1 << 20) >> 10);
    options.look_up = look_up(parts_.names);
    if (!how_.pattern.empty()) options.hidden_topics = hidden_topics;
    consumer_ = kafka::create_group_consumer(parts_.executor, parts_.kafka, std::move(options));
    sink_parts of_sink{parts_.executor, parts_.names, *this, *documents_, how_.name, parts_.spool};
    sink_ = kind_of(where_.type).make(std::move(of_sink), where_, how_.options);
    in_runs_ = sink_->commits_itself();
    counted_.name = how_.name;
    counted_.sink = where_.name;
    counted_.type = name(where_.type);
    counted_.group = parts_.group;
}

route::~route() {
    parts_.letters.forget(*this);
    memory_.freed = nullptr;
}

void route::limit_memory(std::uint64_t bytes) {
    most_memory_ = std::max<std::uint64_t>(bytes - bytes / fetch_part, 1 << 20);
}

void route::spawn(asio::awaitable<void> task) {
    tasks_.spawn(async::guarded(std::move(task), failure_, wake_));
}

asio::awaitable<bool> route::run() {
    spawn(consumer_->run(subscription(how_.topics, how_.pattern), *this));
    spawn(sink_->run());
    spawn(obey());
    spawn(keep_committing());
    spawn(keep_surveying());
    spawn(keep_offering());
    spawn(keep_flowing());
    while (!failure_ && !stopping_)
        co_await wake_.wait();
    bool settled = false;
    if (!failure_) settled = co_await leave();
    tasks_.stop();
    co_await tasks_.join();
    parts_.letters.forget(*this);
    held_.clear();
    sink_.reset();  // with its items; they go before the consumer
    if (failure_) std::rethrow_exception(failure_);
    co_return settled;
}

void route::ask_stop(clock::time_point deadline) {
    stop_deadline_ = stopping_ ? std::min(stop_deadline_, deadline) : deadline;
    stopping_ = true;
    wake_.notify();
    progress_.notify();
    ordered_.notify();
}

asio::awaitable<bool> route::leave() {
    const auto work_until = std::max(clock::now(), stop_deadline_ - close_reserve);
    // A rebalance under way ends first: its partitions are being drained already.
    while ((obeying_ || !orders_.empty()) && clock::now() < stop_deadline_ && !failure_) {
        const auto look = std::min(stop_deadline_, clock::now() + 20ms);
        co_await progress_.wait_until(look);
    }
    pause_all();
    lanes_.each([](lane_state& one) { one.open = false; });
    const auto ours = lanes_.numbers();
    co_await finish(ours, work_until);
    const bool settled = lanes_.pending() == 0;
    if (!settled) tell_what_is_left();
    for (const auto number : ours)
        drop(number);
    const auto until = std::max(clock::now() + 500ms, stop_deadline_);
    co_await consumer_->close(until);
    co_return settled;
}

void route::tell_what_is_left() const {
    lanes_.each([&](const lane_state& one) {
        if (one.acks.pending() == 0) return;
        LOGAGENT_LOG(warn, "transfer.left",
                     "route " << how_.name << ": " << one.partition.topic << "/"
                              << one.partition.number << ": " << one.acks.pending()
                              << " records from offset " << one.acks.committable()
                              << " were not settled in the time for a stop"
                              << (sink_text_.empty() ? "" : ": ") << sink_text_);
    });
}

void route::took(kafka::consumed_record record) {
    auto* const at = lanes_.find(record.topic, record.partition);
    if (!at) return;
    const auto size = static_cast<std::uint32_t>(record.key.size() + record.value.size());
    const bool foreign =
        !how_.letters_of.empty() && record.header("logagent.route").value_or("") != how_.letters_of;
    if (record.offset >= at->stop_at) return;
    switch (lane_book::took(*at, record.offset, record.key, size, in_runs_, os::coarse_now(),
                            foreign)) {
        case lane_book::verdict::fresh:
            break;
        case lane_book::verdict::old:
            ++counted_.shown;
            return;
        case lane_book::verdict::repeated:
            counted_.repeated += foreign ? 0 : 1;
            return;
        case lane_book::verdict::back:
            survey_.notify();
            return;
        case lane_book::verdict::closed:
            return;
    }
    ++counted_.records;
    counted_.bytes += size;
    item next{at->number, std::move(record), held_bytes{memory_, size + record_overhead}};
    sink_->take(std::move(next));
    if (memory_.held >= most_memory_ && !paused_) pause_all();
}

void route::accepted(item done) {
    auto* const at = lanes_.find(done.in);
    if (!at) return;
    ++counted_.accepted;
    guard_.accepted();
    if (done.record.timestamp_ms >= 0)
        counted_.delay_s =
            static_cast<double>(os::coarse_wall_ms() - done.record.timestamp_ms) / 1000;
    if (in_runs_) return;
    at->acks.settled(done.record.offset);
    if (!at->open && at->acks.pending() == 0) progress_.notify();
}

void route::refused(item bad, refusal why) {
    if (!lanes_.find(bad.in)) return;
    ++counted_.refused;
    auto& of_topic = counted_.rejected[std::string{bad.record.topic}];
    ++of_topic.count;
    of_topic.reason = base::visible(why.reason, 80);
    of_topic.at_ms = os::wall_ms();
    if (guard_.may_bury()) {
        bury(std::move(bad), std::move(why));
        return;
    }
    if (held_.empty()) {
        const auto text = "more than " + std::to_string(how_.dead_letter_percent) +
                          " % of the last records were refused, the last one with " +
                          base::visible(why.reason, 80) +
                          ": nothing more becomes a dead letter, and what was refused is offered "
                          "again every 30 s; repair the sink, or raise dead_letter_percent";
        // A sink's own words may quote the record, which a status does not show.
        LOGAGENT_LOG(
            error, "transfer.guard",
            "route " << how_.name << ": " << text << " (" << base::visible(why.text, 200) << ")");
        guard_text_ = text;
    }
    held_.push_back({std::move(bad), std::move(why)});
}

void route::bury(item bad, refusal why) {
    LOGAGENT_LOG(warn, "transfer.refused",
                 "route " << how_.name << ": " << bad.record.topic << "/" << bad.record.partition
                          << "/" << bad.record.offset << ": " << why.reason << ": " << why.text
                          << "; goes to " << dead_topic_of(bad.record.topic));
    dead_letter letter;
    letter.in = bad.in;
    letter.topic = bad.record.topic;
    letter.partition = bad.record.partition;
    letter.offset = bad.record.offset;
    letter.key = bad.record.key;
    letter.value = bad.record.value;
    letter.has_key = bad.record.key.data() != nullptr;
    letter.has_value = bad.record.has_value;
    letter.why = std::move(why);
    letter.route = how_.name;
    letter.sink = where_.name;
    letter.memory = std::move(bad.memory);
    ++letters_pending_;
    parts_.letters.write(*this, std::move(letter));
}

void route::buried(lane in, std::int64_t offset) {
    ++counted_.buried;
    --letters_pending_;
    if (auto* const at = lanes_.find(in); at && !in_runs_) at->acks.settled(offset);
    progress_.notify();
}

void route::unburied(std::string_view text) {
    letter_text_ = text;
}

void route::stalled(std::string_view text) {
    if (text == sink_text_) return;
    if (text.empty())
        LOGAGENT_LOG(info, "transfer.sink",
                     "route " << how_.name << ": the sink takes records again");
    else
        LOGAGENT_LOG(warn, "transfer.sink", "route " << how_.name << ": " << text);
    sink_text_ = text;
}

void route::complaint(kafka::error code, std::string_view text) {
    counted_.kafka_text = base::visible(text, 300);
    LOGAGENT_LOG(warn, "transfer.kafka", "route " << how_.name << ": " << text);
    if (code != kafka::error::fatal) return;
    failure_ = std::make_exception_ptr(std::runtime_error{"Kafka's client: " + std::string{text}});
    wake_.notify();
}

route_figures route::figures() const {
    auto out = counted_;
    for (const auto* text : {&sink_text_, &letter_text_, &guard_text_})
        if (!text->empty()) out.text = *text;
    out.state = stopping_            ? "stopping"
                : !out.text.empty()  ? "stalled"
                : !counted_.assigned ? "starting"
                                     : "running";
    if (sink_) out.at_sink = sink_->figures();
    const auto& complete = out.at_sink.complete_to;
    const auto now = clock::now();
    lanes_.each([&](const lane_state& one) {
        route_figures::partition part;
        part.name = one.partition;
        part.committable = one.acks.committable();
        part.final_to = one.acks.final_to();
        part.committed = one.committed;
        part.log_end = one.log_end;
        part.pending = one.acks.pending();
        if (one.acks.pending() > 0)
            part.oldest_s = std::chrono::duration<double>(now - one.acks.oldest()).count();
        if (const auto hour = complete.find(one.number); hour != complete.end())
            part.complete_to = hour->second;
        out.partitions.push_back(std::move(part));
    });
    out.held_bytes = memory_.held;
    out.most_bytes = most_memory_;
    return out;
}

}  // namespace logagent::transfer
