#include "transfer/storm_sink.hpp"

#include <algorithm>

#include "logagent/async/guarded.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// A server that restarts is no news for a person.
constexpr std::uint32_t attempts_that_pass = 3;

http::client_options options_of(const sink_settings& where) {
    http::client_options options;
    options.tls = where.tls;
    options.body_limit = 1u << 20;
    options.keep_idle = 20s;
    options.connect_timeout = 10s;
    return options;
}

sink_options bounded(sink_options how) {
    how.batch_bytes = std::min<std::uint64_t>(how.batch_bytes, storm_batch::most_bytes);
    how.batch_records = std::max<std::uint32_t>(how.batch_records, 1);
    how.concurrency = std::max<std::uint32_t>(how.concurrency, 1);
    how.attempts = std::max<std::uint32_t>(how.attempts, 1);
    return how;
}

}  // namespace

storm_sink::flight::flight(storm_lane& its_lane, storm_batch its_batch,
                           asio::any_io_executor executor, std::uint64_t seed)
    : from{its_lane},
      batch{std::move(its_batch)},
      changed{std::move(executor)},
      waits{200ms, 15s, seed} {}

storm_sink::storm_sink(sink_parts parts, sink_settings where, sink_options how)
    : parts_{std::move(parts)},
      where_{std::move(where)},
      how_{bounded(std::move(how))},
      http_{parts_.executor, parts_.names, options_of(where_)},
      servers_{where_.url.size()},
      changed_{parts_.executor} {
    read_secret();
}

storm_sink::~storm_sink() = default;

void storm_sink::read_secret() {
    const bool bearer = !where_.api_key_file.empty();
    const std::string& path = bearer ? where_.api_key_file : where_.password_file;
    if (path.empty()) return;
    const auto read = os::read_secret_file(path);
    if (!read.error.empty())
        throw base::problem_error{{bearer ? "api_key_file" : "password_file", read.error}};
    const std::string secret{read.value.text()};
    authorization_ =
        bearer ? "Bearer " + secret : "Basic " + base::base64_encode(where_.user + ":" + secret);
}

asio::awaitable<void> storm_sink::run() {
    async::task_group tasks{parts_.executor};
    std::exception_ptr ended;
    try {
        co_await serve(tasks);
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    // A stopped coroutine may not even begin to wait.
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await tasks.join();
    std::rethrow_exception(ended);
}

asio::awaitable<void> storm_sink::serve(async::task_group& tasks) {
    while (!failure_) {
        const auto now = clock::now();
        start_flights(tasks, now);
        forget_ended();
        co_await changed_.wait_until(next_look(now));
    }
    std::rethrow_exception(failure_);
}

void storm_sink::start_flights(async::task_group& tasks, clock::time_point now) {
    while (!halves_.empty() && flights_.size() < how_.concurrency) {
        auto [from, batch] = std::move(halves_.front());
        halves_.pop_front();
        --from->sending;
        if (!from->ended) launch(tasks, *from, std::move(batch));
    }
    // Each lane gets its turn before one gets a second.
    for (bool more = true; more;) {
        more = false;
        for (auto& each : lanes_) {
            if (flights_.size() >= how_.concurrency) return;
            if (!each.ready(how_, now)) continue;
            std::deque<item> too_large;
            auto batch = each.next_batch(how_, parts_.documents, too_large);
            for (auto& bad : too_large)
                refuse(std::move(bad), "too_large",
                       "its document alone is larger than a batch may be (" +
                           base::format_bytes(how_.batch_bytes) + ")",
                       0);
            if (!batch.empty()) launch(tasks, each, std::move(batch));
            more = true;
        }
    }
}

void storm_sink::launch(async::task_group& tasks, storm_lane& from, storm_batch batch) {
    ++from.sending;
    const auto seed = static_cast<std::uint64_t>(clock::now().time_since_epoch().count());
    const auto one =
        flights_.emplace(flights_.end(), from, std::move(batch), parts_.executor, seed + requests_);
    tasks.spawn(async::guarded(fly(one), failure_, changed_));
}

storm_sink::clock::time_point storm_sink::next_look(clock::time_point now) const {
    auto soonest = clock::time_point::max();
    if (flights_.size() >= how_.concurrency) return soonest;
    for (const auto& each : lanes_)
        soonest = std::min(soonest, each.ready(how_, now) ? now : each.due(how_));
    return soonest;
}

asio::awaitable<void> storm_sink::fly(flight_list::iterator one) {
    while (!one->dropped && !one->batch.empty()) {
        auto answer = co_await ask(*one);
        if (one->dropped) break;
        co_await after(*one, std::move(answer));
    }
    --one->from.sending;
    flights_.erase(one);
    changed();
}

http::request storm_sink::request_of(const flight& one) const {
    http::request what;
    what.method = "POST";
    what.target = "/drpc/" + how_.function;
    what.fields.push_back({"Content-Type", "application/json"});
    if (!authorization_.empty()) what.fields.push_back({"Authorization", authorization_});
    what.body = one.batch.body();
    return what;
}

asio::awaitable<std::size_t> storm_sink::free_server(flight& one) {
    for (;;) {
        const auto now = clock::now();
        if (const auto taken = servers_.take(now)) co_return *taken;
        co_await one.changed.wait_until(servers_.next_free(now));
    }
}

asio::awaitable<storm_answer> storm_sink::ask(flight& one) {
    const auto server = co_await free_server(one);
    if (one.dropped) {
        servers_.ended(server);
        co_return storm_answer{};
    }
    auto what = request_of(one);
    ++requests_;
    ++in_flight_;
    bytes_ += what.body.size();
    one.accepted_before = accepted_batches_;
    std::optional<http::result<http::response>> got;
    std::exception_ptr stopped;
    try {
        got = co_await http_.send(where_.url[server], std::move(what), clock::now() + how_.timeout);
    } catch (...) {
        stopped = std::current_exception();
    }
    --in_flight_;
    if (stopped) {
        servers_.ended(server);
        std::rethrow_exception(stopped);
    }
    auto answer = got->has_value() ? read_storm_answer(**got, one.batch.size())
                                   : read_storm_failure(got->error());
    const bool server_is_well =
        answer.verdict == storm_verdict::accepted || answer.verdict == storm_verdict::failed;
    if (server_is_well)
        servers_.worked(server);
    else if (answer.verdict == storm_verdict::unauthorized)
        servers_.ended(server);
    else
        servers_.failed(server, clock::now());
    if (got->has_value() && !server_is_well)  // a failure names the server itself
        answer.text = where_.url[server].authority() + ": " + answer.text;
    for (auto& each : flights_)
        each.changed.notify();
    co_return answer;
}

asio::awaitable<void> storm_sink::after(flight& one, storm_answer answer) {
    if (answer.verdict == storm_verdict::accepted) {
        accept(one);
        co_return;
    }
    ++retried_[answer.code];
    LOGAGENT_LOG(warn, "transfer.storm",
                 "route " << parts_.route << ": batch " << one.batch.id() << ": " << answer.text);
    // Who fails while others pass is the cause itself.
    const bool others_pass = accepted_batches_ > one.accepted_before;
    const bool at_fault = answer.verdict == storm_verdict::failed ||
                          (answer.verdict == storm_verdict::unclear && others_pass);
    if (at_fault && ++one.failed >= how_.attempts) {
        blame(one, answer);
        co_return;
    }
    report(one, answer);
    if (answer.verdict == storm_verdict::unauthorized) try_secret_again();
    co_await pause(one);
}

asio::awaitable<void> storm_sink::pause(flight& one) {
    const auto until = clock::now() + one.waits.next();
    while (!one.dropped && clock::now() < until)
        co_await one.changed.wait_until(until);
}

void storm_sink::try_secret_again() {
    try {
        read_secret();
    } catch (const base::problem_error& unreadable) {
        LOGAGENT_LOG(warn, "transfer.storm", "route " << parts_.route << ": " << unreadable.what());
    }
}

void storm_sink::accept(flight& one) {
    ++accepted_batches_;
    tell({});
    for (auto& each : one.batch.take_items())
        parts_.to.accepted(std::move(each));
}

void storm_sink::blame(flight& one, const storm_answer& answer) {
    if (one.batch.size() > 1) {
        ++one.from.sending;
        halves_.emplace_back(&one.from, one.batch.split());
        one.failed = 0;
        one.waits.reset();
        changed();
        return;
    }
    for (auto& bad : one.batch.take_items())
        refuse(std::move(bad), answer.code, "the topology did not take it: " + answer.text,
               one.failed);
}

void storm_sink::refuse(item bad, std::string reason, std::string text, unsigned attempts) {
    refusal why;
    why.reason = std::move(reason);
    why.text = std::move(text);
    why.attempts = attempts;
    parts_.to.refused(std::move(bad), std::move(why));
}

void storm_sink::report(flight& one, const storm_answer& answer) {
    if (answer.verdict == storm_verdict::failed) return;  // it ends by itself
    ++one.unsent;
    if (answer.verdict == storm_verdict::unauthorized) {
        tell(answer.text + "; nothing is lost, it is tried again until it is allowed");
    } else if (one.unsent >= attempts_that_pass || answer.code == "timeout") {
        std::string text = answer.text + "; it is tried again";
        if (answer.verdict == storm_verdict::unclear)
            text += ". Does a topology with the function " + how_.function + " run?";
        tell(std::move(text));
    }
}

void storm_sink::tell(std::string text) {
    if (text == told_) return;
    told_ = std::move(text);
    parts_.to.stalled(told_);
}

void storm_sink::begin(const lane_start& start) {
    lanes_.emplace_back(start, parts_.route);
}

storm_lane* storm_sink::find(lane in) {
    for (auto& each : lanes_)
        if (each.number == in && !each.ended) return &each;
    return nullptr;
}

void storm_sink::take(item next) {
    if (last_ == nullptr || last_->number != next.in || last_->ended) last_ = find(next.in);
    if (last_ == nullptr) return;
    const auto now = clock::now();
    const bool was_empty = last_->empty();
    last_->take(std::move(next), now);
    if (was_empty || last_->ready(how_, now)) changed_.notify();
}

asio::awaitable<void> storm_sink::drain(std::vector<lane> lanes, clock::time_point deadline) {
    for (const lane in : lanes)
        if (auto* one = find(in)) one->draining = true;
    changed_.notify();
    const auto waits = drains_.emplace(drains_.end(), parts_.executor);
    try {
        while (!idle(lanes) && clock::now() < deadline)
            co_await waits->wait_until(deadline);
    } catch (...) {
        drains_.erase(waits);
        throw;
    }
    drains_.erase(waits);
    for (const lane in : lanes)
        if (auto* one = find(in)) one->draining = false;
}

bool storm_sink::idle(const std::vector<lane>& lanes) {
    return std::ranges::all_of(lanes, [&](lane in) {
        const auto* one = find(in);
        return one == nullptr || (one->empty() && one->sending == 0);
    });
}

void storm_sink::end(lane in) {
    auto* one = find(in);
    if (one == nullptr) return;
    one->ended = true;
    one->drop();
    for (auto& each : flights_) {
        if (&each.from != one) continue;
        each.dropped = true;
        each.batch.take_items();
        each.changed.notify();
    }
    std::erase_if(halves_, [&](const auto& half) {
        if (half.first != one) return false;
        --one->sending;
        return true;
    });
    changed();
}

void storm_sink::changed() {
    changed_.notify();
    for (auto& each : drains_)
        each.notify();
}

void storm_sink::forget_ended() {
    last_ = nullptr;
    std::erase_if(lanes_, [](const auto& each) { return each.ended && each.sending == 0; });
}

sink_figures storm_sink::figures() const {
    sink_figures told;
    told.requests = requests_;
    told.bytes = bytes_;
    told.retried = retried_;
    told.in_flight = in_flight_;
    told.stalled = told_;
    return told;
}

std::unique_ptr<sink> create_storm_sink(sink_parts parts, const sink_settings& where,
                                        const sink_options& how) {
    if (how.mode == "kafka") return create_kafka_sink(std::move(parts), where, how);
    if (where.url.empty())
        throw base::problem_error{
            {"url", "a storm sink with mode = drpc needs url, the HTTP port of a DRPC server"}};
    if (how.function.empty())
        throw base::problem_error{
            {"function", "a route to storm needs function, the name of a DRPC function"}};
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    if (how.function.find_first_not_of(plain) != std::string::npos)
        throw base::problem_error{{"function", "function \"" + how.function +
                                                   "\" may hold letters, digits, and -._ only"}};
    return std::make_unique<storm_sink>(std::move(parts), where, how);
}

}  // namespace logagent::transfer
