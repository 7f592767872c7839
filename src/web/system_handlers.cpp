#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "certificate_watch.hpp"
#include "cookie.hpp"
#include "handlers.hpp"
#include "live_hub.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/metrics.hpp"
#include "logagent/os/clock.hpp"
#include "logagent_version.hpp"
#include "openapi.hpp"
#include "stamp.hpp"
#include "stats_desk.hpp"
#include "tail_desk.hpp"

// Endpoints about this process itself.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

http::response json_answer(const json::value& body, unsigned status) {
    auto made = http::json_text(json::serialize(body));
    made.status = status;
    return made;
}

/// What this server can do, for pages and programs that work with several versions of it.
constexpr std::string_view features[] = {
    "services", "hosts",  "history", "audit", "tokens",  "overview", "rollouts",
    "status",   "search", "views",   "drift", "openapi", "events",   "tail",
    "rates",    "files",  "why",     "paths", "replays", "transfer",
};

answering show_health(parts&, exchange&) {
    co_return http::plain_text(200, "ok");
}

answering show_readiness(parts& with, exchange&) {
    const auto why = with.not_ready();
    if (why.empty()) co_return http::plain_text(200, "ok");
    co_return http::plain_text(503, base::visible(why, 1000));
}

answering show_version(parts&, exchange&) {
    json::object out;
    out["version"] = LOGAGENT_VERSION;
    out["commit"] = LOGAGENT_COMMIT;
    co_return json_answer(out);
}

answering show_openapi(parts&, exchange&) {
    co_return http::json_text(std::string{openapi_document()});
}

namespace {

using kind = base::metrics_page::kind;

void add_certificate(base::metrics_page& page, const parts& with, std::uint64_t failures) {
    if (with.certificate == nullptr) return;
    page.family("web_tls_handshake_failures_total", kind::counter,
                "Clients that TLS failed with: no common ground, no trust, too slow, plain HTTP.");
    page.sample(failures);
    page.family("web_tls_certificate_remaining_seconds", kind::gauge,
                "Until the certificate in use expires; negative: it has. 86400 are a day.");
    page.sample(with.certificate->remaining_s(os::wall_ms()));
    page.family("web_tls_certificate_refused", kind::gauge,
                "1 while the files of the certificate cannot be used and the one before stays.");
    page.sample(std::uint64_t{with.certificate->refused() ? 1u : 0u});
}

}  // namespace

answering show_metrics(parts& with, exchange&) {
    base::metrics_page page;
    const auto counters = with.counters();
    page.family("web_ready", kind::gauge, "Whether etcd answers and all is read from it.");
    page.sample(std::uint64_t{with.not_ready().empty() ? 1u : 0u});
    page.family("web_longest_turn_seconds", kind::gauge,
                "Processor time of the longest turn of the loop: so long nothing else was done.");
    page.sample(std::chrono::duration<double>(with.longest_turn()).count());
    page.family("web_responses_total", kind::counter, "Answers given, by status.");
    for (const auto& [status, count] : with.answers)
        page.sample({{"status", std::to_string(status)}}, count);
    page.family("web_requests_total", kind::counter, "Requests whose head was read or refused.");
    page.sample(counters.requests);
    page.family("web_request_timeouts_total", kind::counter, "Requests that took too long.");
    page.sample(counters.timeouts);
    page.family("web_refused_connections_total", kind::counter, "Connections over a limit.");
    page.sample(counters.refused_connections);
    page.family("web_connections", kind::gauge, "Connections that are open.");
    page.sample(std::uint64_t{counters.connections});
    add_certificate(page, with, counters.handshake_failures);
    std::uint64_t online = 0;
    for (const auto& [host, record] : with.hosts.all())
        online += record.online ? 1 : 0;
    page.family("web_streams", kind::gauge, "Connections that events are sent on.");
    page.sample(std::uint64_t{with.live.streams()});
    page.family("web_slow_streams_total", kind::counter,
                "Streams cut since the client did not take its events for 30 s.");
    page.sample(with.live.cut());
    page.family("web_tails", kind::gauge, "Clients that follow lines.");
    page.sample(std::uint64_t{with.tails.tails()});
    page.family("web_tail_read_bytes_total", kind::counter, "Read from Kafka for them.");
    page.sample(with.tails.bytes_read());
    page.family("web_stats_hosts", kind::gauge, "Hosts that publish figures of their files.");
    page.sample(std::uint64_t{with.stats.rates().hosts()});
    page.family("web_hosts", kind::gauge, "Hosts by whether their status is in etcd.");
    page.sample({{"state", "online"}}, online);
    page.sample({{"state", "offline"}}, std::uint64_t{with.hosts.all().size()} - online);
    page.family("web_tokens", kind::gauge, "Tokens that are stored.");
    page.sample(std::uint64_t{with.tokens.tokens().size()});
    page.family("web_sessions", kind::gauge, "Sessions that are stored.");
    page.sample(std::uint64_t{with.tokens.sessions()});
    http::response made;
    made.fields.push_back({"Content-Type", std::string{base::metrics_page::content_type}});
    made.body = page.take();
    co_return made;
}

namespace {

/// When the token, or the session if that is earlier, opens nothing any more; 0 = never.
std::int64_t end_of_access(const parts& with, const exchange& one) {
    if (one.by_session)
        if (const auto cookie = find_cookie(one.request, session_cookie_name(with.tls)))
            return with.tokens.cookie_ends_ms(*cookie, one.now_ms);
    const auto found = with.tokens.tokens().find(one.who.token_id);
    return found == with.tokens.tokens().end() ? 0 : found->second.expires_ms;
}

}  // namespace

answering show_whoami(parts& with, exchange& one) {
    json::object out;
    out["token_id"] = one.who.token_id;
    out["name"] = one.who.name;
    out["role"] = name(one.who.allowed);
    json::array globs;
    for (const auto& glob : one.who.services)
        globs.emplace_back(glob);
    out["services"] = std::move(globs);
    out["session"] = one.by_session;
    const auto ends = end_of_access(with, one);
    out["expires_at"] =
        ends == 0 ? json::value(nullptr) : json::value(json::string{utc_time(ends)});
    out["version"] = LOGAGENT_VERSION;
    json::array can;
    for (const auto feature : features)
        if (feature != "tail" || with.tails.possible()) can.emplace_back(feature);
    out["features"] = std::move(can);
    co_return json_answer(out);
}

}  // namespace logagent::web
