#include "transfer/elasticsearch_sink.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "logagent/async/guarded.hpp"
#include "logagent/os/clock.hpp"
#include "transfer/elasticsearch_bulk.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// A server that swallows connections must not hold a batch for the time of a whole request.
constexpr std::chrono::milliseconds connect_timeout = 5s;
constexpr std::chrono::milliseconds keep_idle = 60s;
constexpr std::size_t answer_limit = 64 << 20;
// Of a body that is built without letting others have the loop.
constexpr std::size_t built_at_once = 256 << 10;

http::client_options client_options_of(const sink_settings& where) {
    http::client_options made;
    made.tls = where.tls;
    made.body_limit = answer_limit;
    made.connect_timeout = connect_timeout;
    made.keep_idle = keep_idle;
    return made;
}

}  // namespace

elasticsearch_sink::elasticsearch_sink(sink_parts parts, const sink_settings& where,
                                       const sink_options& how)
    : parts_{std::move(parts)},
      where_{where},
      how_{how},
      index_{index_pattern::parse(how.index).value()},
      names_{index_},
      client_{parts_.executor, parts_.names, client_options_of(where)},
      pace_{how.concurrency, how.batch_bytes, how.batch_records},
      nodes_{where.url},
      outbox_{how.batch_age},
      changed_{parts_.executor},
      random_{std::random_device{}()} {
    read_secrets();
}

void elasticsearch_sink::begin(const lane_start& at) {
    lanes_[at.in].topic_id = at.topic_id;
}

void elasticsearch_sink::take(item next) {
    ++lanes_[next.in].held;
    outbox_.add(std::move(next), os::coarse_now());
    changed_.notify();
}

asio::awaitable<void> elasticsearch_sink::drain(std::vector<lane> lanes, time_point deadline) {
    outbox_.hurry();
    changed_.notify();
    const auto left = drains_.emplace(drains_.end(), parts_.executor);
    const auto holding = [&] {
        return std::any_of(lanes.begin(), lanes.end(), [&](lane in) {
            const auto at = lanes_.find(in);
            return at != lanes_.end() && at->second.held > 0;
        });
    };
    std::exception_ptr stopped;
    try {
        while (holding() && std::chrono::steady_clock::now() < deadline)
            co_await left->wait_until(deadline);
    } catch (...) {
        stopped = std::current_exception();
    }
    drains_.erase(left);
    if (stopped) std::rethrow_exception(stopped);
}

void elasticsearch_sink::end(lane in) {
    outbox_.drop(in);
    lanes_.erase(in);
    for (auto& one : drains_)
        one.notify();
    changed_.notify();
}

sink_figures elasticsearch_sink::figures() const {
    sink_figures made = figures_;
    made.in_flight = in_flight_;
    made.stalled = stalled_;
    return made;
}

asio::awaitable<void> elasticsearch_sink::run() {
    async::task_group requests{parts_.executor};
    std::exception_ptr ended;
    try {
        co_await work(requests);
    } catch (...) {
        ended = std::current_exception();
    }
    requests.stop();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await requests.join();
    std::rethrow_exception(failure_ ? failure_ : ended);
}

asio::awaitable<void> elasticsearch_sink::work(async::task_group& requests) {
    if (how_.install_template) co_await install_template();
    while (!failure_) {
        const auto now = std::chrono::steady_clock::now();
        while (in_flight_ < pace_.requests() && now >= paused_until_) {
            const outbox::limits most{pace_.records(), pace_.bytes()};
            if (outbox_.next(most) > now) break;
            const auto node = nodes_.take(now);
            if (!node) break;
            auto next = outbox_.take(most, now);
            ++in_flight_;
            if (next->waits_for_person) ++asking_for_person_;
            requests.spawn(async::guarded(send(std::move(*next), *node), failure_, changed_));
        }
        const auto look = next_look(now);
        co_await changed_.wait_until(look);
    }
}

elasticsearch_sink::time_point elasticsearch_sink::next_look(time_point now) const {
    // The end of a request looks again by itself.
    if (in_flight_ >= pace_.requests()) return time_point::max();
    const auto something = outbox_.next({pace_.records(), pace_.bytes()});
    if (something == time_point::max()) return something;
    return std::max({something, paused_until_, nodes_.next(now)});
}

asio::awaitable<void> elasticsearch_sink::send(batch what, std::size_t node) {
    request_state state;
    state.what = std::move(what);
    state.node = node;
    auto request = request_of("POST", "/_bulk?" + std::string{bulk_filter});
    request.fields.push_back({"Content-Type", "application/x-ndjson"});
    if (how_.gzip) request.fields.push_back({"Content-Encoding", "gzip"});
    auto body = co_await build(state);
    request.body = std::move(body);
    state.sent = std::chrono::steady_clock::now();
    const auto deadline = state.sent + how_.timeout;
    const auto where = nodes_.at(node);
    ++figures_.requests;
    figures_.bytes += request.body.size();
    auto answer = co_await client_.send(where, std::move(request), deadline);
    --in_flight_;
    settle(std::move(state), std::move(answer));
    changed_.notify();
}

/// The body for the records of a batch; what does not fit waits for the next one.
asio::awaitable<std::string> elasticsearch_sink::build(request_state& of) {
    bulk_body body{how_.gzip, last_bytes_ + last_bytes_ / 8};
    auto& items = of.what.items;
    const auto most = pace_.bytes();
    std::size_t pause_at = built_at_once;
    std::size_t count = 0;
    while (count < items.size() && (count == 0 || body.size() < most)) {
        add_document(body, items[count++]);
        if (body.size() < pause_at) continue;
        pause_at = body.size() + built_at_once;
        co_await asio::post(parts_.executor, asio::use_awaitable);
    }
    of.bytes = last_bytes_ = body.size();
    batch rest;
    rest.attempts = of.what.attempts;
    const auto end = items.begin() + static_cast<std::ptrdiff_t>(count);
    // Lanes may have ended meanwhile. What is in the body already goes, and is forgotten after it.
    std::copy_if(std::make_move_iterator(end), std::make_move_iterator(items.end()),
                 std::back_inserter(rest.items),
                 [&](const item& one) { return lanes_.contains(one.in); });
    items.erase(end, items.end());
    outbox_.again(std::move(rest));
    co_return body.finish();
}

void elasticsearch_sink::add_document(bulk_body& body, const item& from) {
    const auto& record = from.record;
    const auto at = lanes_.find(from.in);
    source_record source;
    source.topic = record.topic;
    if (at != lanes_.end()) source.topic_id = at->second.topic_id;
    source.partition = record.partition;
    source.offset = record.offset;
    source.timestamp_ms = record.timestamp_ms;
    source.key = record.key;
    source.value = record.value;
    parts_.documents.make(made_, source);
    body.add(names_.of(made_, record.topic), document_id(made_), made_.json);
}

http::request elasticsearch_sink::request_of(std::string method, std::string target) const {
    http::request made;
    made.method = std::move(method);
    made.target = std::move(target);
    if (!authorization_.empty()) made.fields.push_back({"Authorization", authorization_});
    return made;
}

std::unique_ptr<sink> create_elasticsearch_sink(sink_parts parts, const sink_settings& where,
                                                const sink_options& how) {
    return std::make_unique<elasticsearch_sink>(std::move(parts), where, how);
}

}  // namespace logagent::transfer
