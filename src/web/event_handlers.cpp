#include <boost/asio/this_coro.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "change_feed.hpp"
#include "cookie.hpp"
#include "handlers.hpp"
#include "host_view.hpp"
#include "live_stream.hpp"
#include "logagent/os/clock.hpp"
#include "problem.hpp"
#include "tail_start.hpp"

// Streams of events.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::optional<std::int64_t> last_event_id(const http::request& asked) {
    std::string text{http::find(asked.fields, "Last-Event-ID")};
    if (text.empty()) text = asked.query("last_event_id").value_or("");
    if (text.empty()) return std::nullopt;
    std::int64_t id = 0;
    const auto [stop, wrong] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (wrong != std::errc{} || stop != text.data() + text.size() || id < 0)
        throw refused{400, "last_event_id", "Last-Event-ID is none of this server"};
    return id;
}

/// Whether there is a tail among them. Throws `refused`.
bool check_topics(const std::vector<live_topic>& topics, const principal& who) {
    int tails = 0;
    for (const auto& topic : topics) {
        if (topic.what == live_topic::kind::service && !who.covers(topic.name))
            throw refused{
                403, "scope",
                "the token '" + who.name + "' is not for the service '" + topic.name + "'"};
        const bool tail = topic.what == live_topic::kind::tail;
        if (tail && !who.may(role::tailer))
            throw refused{403, "role",
                          "the token '" + who.name + "' has the role " +
                              std::string{name(who.allowed)} + "; a tail needs tailer"};
        if (tail && ++tails > 1) throw refused{400, "query", "topics: one tail: at most"};
    }
    return tails > 0;
}

}  // namespace

std::function<bool()> still_allowed(parts& with, const exchange& one) {
    const auto cookie =
        one.by_session ? find_cookie(one.request, session_cookie_name(with.tls)) : std::nullopt;
    return [&with, cookie, id = one.who.token_id, role = one.who.allowed] {
        // A watch that begins anew knows no tokens for a moment.
        if (!with.tokens.known()) return true;
        const auto now_ms = os::wall_ms();
        if (cookie) return with.tokens.by_cookie(*cookie, now_ms) != nullptr;
        const auto found = with.tokens.tokens().find(id);
        return found != with.tokens.tokens().end() && found->second.valid_at(now_ms) &&
               found->second.allowed >= role;
    };
}

answering follow_events(parts& with, exchange& one) {
    auto topics = parse_topics(one.request.query("topics").value_or(""));
    const bool with_tail = check_topics(topics, one.who);
    const auto last = last_event_id(one.request);
    auto place = std::make_unique<live_hub::place>(with.live, one.who.token_id);
    const auto executor = co_await asio::this_coro::executor;
    std::unique_ptr<tail_feed> lines;
    if (with_tail) lines = co_await start_tail(with, one);
    auto stream =
        std::make_shared<live_stream>(executor, std::move(place), still_allowed(with, one));
    const auto show = [&with](const std::string& host) -> std::optional<json::object> {
        const auto found = with.hosts.all().find(host);
        if (found == with.hosts.all().end()) return std::nullopt;
        return short_host(found->first, found->second);
    };
    stream->add(std::make_unique<change_feed>(with.live, std::move(topics), last, show));
    if (lines) stream->add(std::move(lines));
    co_return http::stream_of(std::move(stream));
}

}  // namespace logagent::web
