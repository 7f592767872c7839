#include "api.hpp"

#include <algorithm>

#include "cookie.hpp"
#include "handlers.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/os/clock.hpp"
#include "origin.hpp"
#include "precondition.hpp"
#include "stamp.hpp"
#include "token.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t most_body = 1 << 20;
constexpr std::size_t most_message = 500;  // bytes

bool same_media_type(std::string_view field, std::string_view wanted) {
    auto type = field.substr(0, field.find(';'));
    while (type.ends_with(' '))
        type.remove_suffix(1);
    return std::ranges::equal(type, wanted, [](char given, char lower) {
        return (given >= 'A' && given <= 'Z' ? given | 0x20 : given) == lower;
    });
}

refused field_problem(std::string pointer, std::string code, std::string detail) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = detail;
    why.errors.push_back({std::move(pointer), std::move(code), std::move(detail)});
    return refused{std::move(why)};
}

json::object read_body(const exchange& one) {
    const auto type = http::find(one.request.fields, "Content-Type");
    const bool plain = same_media_type(type, "application/json");
    const bool patch = one.asked->body == content::merge_patch &&
                       same_media_type(type, "application/merge-patch+json");
    if (!plain && !patch)
        throw refused{415, "media_type",
                      one.asked->body == content::merge_patch
                          ? "Content-Type must be application/merge-patch+json or application/json"
                          : "Content-Type must be application/json"};
    base::json_limits limits;
    limits.max_bytes = most_body;
    auto parsed = base::parse_json(one.request.body, limits);
    if (!parsed) {
        problem why;
        why.status = 400;
        why.code = "json";
        why.detail = "the body is not proper JSON: " + base::describe(parsed.error());
        why.errors.push_back({parsed.error().pointer, parsed.error().code, parsed.error().text});
        throw refused{std::move(why)};
    }
    if (!parsed->is_object())
        throw field_problem("", "type",
                            "expected an object, got " + std::string{base::kind_of(*parsed)});
    return std::move(parsed->get_object());
}

bool read_dry_run(const http::request& asked) {
    const auto given = asked.query("dry_run");
    if (!given || *given == "false") return false;
    if (*given == "true") return true;
    throw refused{400, "query", "dry_run is neither true nor false"};
}

}  // namespace

std::string request_id(const http::request& asked, std::int64_t now_ms) {
    const auto given = http::find(asked.fields, "X-Request-Id");
    const auto modest = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    if (!given.empty() && given.size() <= 64 && std::ranges::all_of(given, modest))
        return std::string{given};
    return ulid(now_ms, random_bytes(10));
}

std::string read_message(exchange& one) {
    if (one.asked->body == content::none) {
        const std::string given{http::find(one.request.fields, "X-Message")};
        if (given.empty() || given.size() > most_message || !base::is_utf8(given))
            throw refused{422, "message",
                          "the reason of the change is needed: the field X-Message with 1 to 500 "
                          "bytes of UTF-8"};
        return given;
    }
    const auto* found = one.body.if_contains("message");
    if (!found) throw field_problem("/message", "missing", "the reason of the change is needed");
    if (!found->is_string() || found->get_string().empty() ||
        found->get_string().size() > most_message)
        throw field_problem("/message", "type", "expected 1 to 500 bytes of text");
    std::string text{found->get_string()};
    one.body.erase("message");
    return text;
}

void read_content(exchange& one) {
    one.dry_run = read_dry_run(one.request);
    const auto kind = one.asked->body;
    if (kind == content::json || kind == content::merge_patch) one.body = read_body(one);
    if (!one.asked->change.empty() && kind != content::stored) one.message = read_message(one);
}

std::vector<http::route> api::routes() {
    std::vector<http::route> out;
    for (const auto& one : endpoints()) {
        http::route line;
        line.method = one.method;
        line.pattern = one.pattern;
        const bool small = one.body == content::none || one.body == content::stored;
        line.body_limit = small ? 4 << 10 : most_body;
        line.answer = http::waiting_handler{
            [this, &one](http::request request) { return serve(one, std::move(request)); }};
        out.push_back(std::move(line));
    }
    return out;
}

http::response api::refuse(const http::request& asked, unsigned status, std::string text) {
    problem why;
    why.status = status;
    why.detail = std::move(text);
    const auto id = request_id(asked, os::wall_ms());
    auto made = answer_of(why, id);
    made.fields.push_back({"X-Request-Id", id});
    ++parts_.answers[status];
    return made;
}

asio::awaitable<http::response> api::serve(const endpoint& asked, http::request request) {
    exchange one;
    one.request = std::move(request);
    one.asked = &asked;
    one.now_ms = os::wall_ms();
    one.id = request_id(one.request, one.now_ms);
    std::optional<problem> why;
    http::response made;
    try {
        made = co_await pass_gates(one);
    } catch (const refused& refusal) {
        why = refusal.why();
    }
    if (why) {
        const bool known = !one.who.token_id.empty();
        if (!asked.change.empty() && known && !one.dry_run && !one.audited && why->status < 500) {
            std::string reason = why->detail;
            co_await parts_.store.audit_refusal(one, why->status, std::move(reason));
        }
        made = answer_of(*why, one.id);
    }
    made.fields.push_back({"X-Request-Id", one.id});
    ++parts_.answers[made.status];
    co_return made;
}

void api::let_in(exchange& one) {
    const auto authorization = http::find(one.request.fields, "Authorization");
    const token_record* token = nullptr;
    if (!authorization.empty()) {
        constexpr std::string_view scheme = "Bearer ";
        if (authorization.starts_with(scheme))
            token = parts_.tokens.by_token(authorization.substr(scheme.size()), one.now_ms);
        if (!token) {
            problem why;
            why.status = 401;
            why.detail = "this token opens nothing: it is mistyped, removed or expired";
            why.fields.push_back(
                {"WWW-Authenticate", "Bearer realm=\"logagent\", error=\"invalid_token\""});
            throw refused{std::move(why)};
        }
    } else if (const auto cookie = find_cookie(one.request, session_cookie_name(parts_.tls))) {
        token = parts_.tokens.by_cookie(*cookie, one.now_ms);
        one.by_session = token != nullptr;
    }
    if (token) one.who = principal_of(*token);
}

asio::awaitable<http::response> api::pass_gates(exchange& one) {
    const auto& asked = *one.asked;
    if (asked.access != needs::nobody) {
        if (!parts_.tokens.known())
            throw refused{503, "not_ready", "the tokens are not read yet: " + parts_.not_ready()};
        let_in(one);
        if (one.by_session && !is_safe_method(asked.method) &&
            !from_own_page(one.request, parts_.tls))
            throw refused{403, "cross_site",
                          "a change with a session's cookie must come from a page of this server; "
                          "a program uses a token"};
    }
    if (asked.of_service) one.target = one.name();
    const principal* who = one.who.token_id.empty() ? nullptr : &one.who;
    if (auto why = access_problem(asked, who, one.target)) throw refused{*std::move(why)};
    read_content(one);
    auto earlier = co_await earlier_answer(one);
    if (earlier) co_return *std::move(earlier);
    auto made = co_await asked.answer(parts_, one);
    co_return made;
}

asio::awaitable<std::optional<http::response>> api::earlier_answer(exchange& one) {
    const auto given = http::find(one.request.fields, "Idempotency-Key");
    if (given.empty() || one.asked->method != "POST" || one.asked->change.empty() || one.dry_run)
        co_return std::nullopt;
    if (given.size() > 200) throw refused{400, "idempotency_key", "longer than 200 bytes"};
    one.once_key = parts_.keys.answer(sha256_hex(one.who.token_id + '\n' + std::string{given}));
    one.once_request = sha256_hex(one.request.target + '\n' + one.request.body);
    const auto found = co_await parts_.store.get(one.once_key);
    if (found.mod_revision == 0) co_return std::nullopt;
    one.audited = true;  // then
    const auto& kept = found.value;
    if (kept.at("request").as_string() != one.once_request)
        throw refused{422, "idempotency_key",
                      "this Idempotency-Key was used for another request within 24 hours"};
    const auto& body = kept.at("body").as_string();
    if (body.empty())
        throw refused{409, "done_before",
                      "this request was carried out before; its answer held a secret and was not "
                      "kept"};
    http::response made = http::json_text(std::string{body});
    made.status = static_cast<unsigned>(kept.at("status").to_number<std::int64_t>());
    made.fields.push_back({"ETag", etag_of(found.mod_revision)});
    made.fields.push_back({"Idempotent-Replay", "true"});
    co_return made;
}

}  // namespace logagent::web
