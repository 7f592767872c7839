#include <boost/json/array.hpp>

#include "cookie.hpp"
#include "handlers.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/base/json.hpp"
#include "origin.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "token.hpp"

// Endpoints of log-ins and tokens.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds session_length = 12h;
constexpr std::size_t most_tokens = 1000;

problem invalid(std::vector<field_error> errors) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = errors.front().pointer + ": " + errors.front().detail;
    why.errors = std::move(errors);
    return why;
}

/// {"name","role","services","expires_s"}.
class token_reader {
public:
    explicit token_reader(const json::object& body) : body_{body} {}

    token_record read(std::int64_t now_ms) {
        for (const auto& member : body_)
            if (member.key() != "name" && member.key() != "role" && member.key() != "services" &&
                member.key() != "expires_s")
                complain(std::string{member.key()}, "unknown_field",
                         "allowed: name, role, services, expires_s, message");
        read_name();
        read_role();
        read_services();
        if (const auto* seconds = body_.if_contains("expires_s")) {
            if (!seconds->is_int64() || seconds->get_int64() < 1 ||
                seconds->get_int64() > 3650LL * 86400)
                complain("expires_s", "range", "expected 1 to 315360000 s");
            else
                out_.expires_ms = now_ms + seconds->get_int64() * 1000;
        }
        if (!errors_.empty()) throw refused{invalid(std::move(errors_))};
        return std::move(out_);
    }

private:
    void complain(const std::string& field, std::string code, std::string detail) {
        std::string pointer;
        base::append_pointer(pointer, field);
        errors_.push_back({std::move(pointer), std::move(code), std::move(detail)});
    }

    void read_name() {
        const auto* given = body_.if_contains("name");
        if (!given || !given->is_string() || given->get_string().empty() ||
            given->get_string().size() > 100)
            return complain("name", given ? "type" : "missing", "expected 1 to 100 bytes of text");
        out_.name = given->get_string();
    }

    void read_role() {
        const auto* given = body_.if_contains("role");
        const auto known =
            given && given->is_string() ? parse_role(given->get_string()) : std::nullopt;
        if (!known)
            return complain("role", given ? "choice" : "missing",
                            "expected one of viewer, tailer, editor, admin");
        out_.allowed = *known;
    }

    void read_services() {
        const auto* given = body_.if_contains("services");
        if (!given) {
            out_.services = {"*"};
            return;
        }
        const bool list =
            given->is_array() && !given->get_array().empty() && given->get_array().size() <= 100;
        if (!list) return complain("services", "type", "expected a list of 1 to 100 globs");
        for (const auto& glob : given->get_array()) {
            const bool text =
                glob.is_string() && !glob.get_string().empty() && glob.get_string().size() <= 200;
            if (!text || base::glob_problem(glob.get_string()))
                return complain("services", "glob", "expected globs of service names");
            out_.services.emplace_back(glob.get_string());
        }
    }

    const json::object& body_;
    token_record out_;
    std::vector<field_error> errors_;
};

json::object shown(const token_record& token) {
    json::object out;
    out["id"] = token.id;
    out["name"] = token.name;
    out["role"] = name(token.allowed);
    json::array globs;
    for (const auto& glob : token.services)
        globs.emplace_back(glob);
    out["services"] = std::move(globs);
    out["created_at"] = token.created_at;
    out["created_by"] = token.created_by;
    if (token.expires_ms == 0)
        out["expires_at"] = nullptr;
    else
        out["expires_at"] = utc_time(token.expires_ms);
    return out;
}

}  // namespace

answering begin_session(parts& with, exchange& one) {
    if (!with.tokens.known())
        throw refused{503, "not_ready", "the tokens are not read yet: " + with.not_ready()};
    const bool from_browser = !http::find(one.request.fields, "Sec-Fetch-Site").empty() ||
                              !http::find(one.request.fields, "Origin").empty();
    if (from_browser && !from_own_page(one.request, with.tls))
        throw refused{403, "cross_site", "a log-in must come from a page of this server"};
    const auto address = one.request.peer.to_string();
    const auto now = login_limiter::clock::now();
    if (const auto wait = with.logins.wait(address, now); wait.count() > 0) {
        problem why;
        why.status = 429;
        why.code = "log_in_wait";
        why.detail = "too many wrong tokens from this address; try again in " +
                     std::to_string(wait.count()) + " s";
        why.fields.push_back({"Retry-After", std::to_string(wait.count())});
        throw refused{std::move(why)};
    }
    const auto* given = one.body.if_contains("token");
    const auto* token = given && given->is_string()
                            ? with.tokens.by_token(given->get_string(), one.now_ms)
                            : nullptr;
    if (!token) {
        with.logins.failed(address, now);
        throw refused{401, "unauthenticated",
                      "this token opens nothing: it is mistyped, removed or expired"};
    }
    with.logins.succeeded(address);
    const session_record session{token->id, one.now_ms + session_length.count() * 1000};
    const auto answer = shown(*token);
    const auto value = base::base64url_encode(random_bytes(32));
    const auto hash = sha256_hex(value);
    const auto lease = co_await with.store.grant(session_length);
    auto stored = co_await with.store.etcd().put(with.keys.session(hash), to_json(session), lease);
    if (!stored) throw refused{503, "etcd_unavailable", stored.error().text};
    with.tokens.put_session(hash, to_json(session));
    auto made = json_answer(answer);
    made.fields.push_back(
        {"Set-Cookie", session_cookie(value, static_cast<long>(session_length.count()), with.tls)});
    co_return made;
}

answering end_session(parts& with, exchange& one) {
    if (one.by_session) {
        const auto cookie = find_cookie(one.request, session_cookie_name(with.tls));
        const auto hash = sha256_hex(cookie.value_or(""));
        etcd::txn_request request;
        request.then.push_back(remove(with.keys.session(hash)));
        auto done = co_await with.store.etcd().txn(std::move(request));
        if (!done) throw refused{503, "etcd_unavailable", done.error().text};
        with.tokens.remove_session(hash);
    }
    http::response made;
    made.status = 204;
    made.fields.push_back({"Set-Cookie", session_cookie("", 0, with.tls)});
    co_return made;
}

answering list_tokens(parts& with, exchange&) {
    json::array items;
    for (const auto& [id, token] : with.tokens.tokens())
        items.push_back(shown(token));
    json::object out;
    out["items"] = std::move(items);
    out["next_page_token"] = nullptr;
    co_return json_answer(out);
}

answering create_token(parts& with, exchange& one) {
    if (with.tokens.tokens().size() >= most_tokens)
        throw refused{409, "limit", "there are 1000 tokens already; delete some"};
    auto token = token_reader{one.body}.read(one.now_ms);
    token.id = ulid(one.now_ms, random_bytes(10));
    token.created_at = utc_time(one.now_ms);
    token.created_by = one.who.name;
    one.target = token.id;
    if (one.dry_run) {
        auto answer = shown(token);
        answer["dry_run"] = true;
        answer.erase("id");
        co_return json_answer(answer);
    }
    const auto secret = new_token();
    token.sha256 = sha256_hex(secret);
    change what;
    what.conditions.push_back(unchanged(with.keys.token(token.id), 0));
    what.operations.push_back(put(with.keys.token(token.id), to_json(token)));
    what.audit["name"] = token.name;
    what.audit["role"] = name(token.allowed);
    const auto revision = co_await with.store.commit(one, std::move(what));
    if (!revision)
        throw refused{409, "conflict", "the same request is under way; nothing was changed"};
    // Not only when the watch tells: the token works from now on.
    with.tokens.put_token(token.id, to_json(token), *revision);
    auto answer = shown(token);
    answer["token"] = secret;
    co_return json_answer(answer, 201);
}

answering delete_token(parts& with, exchange& one) {
    const std::string id{one.request.parameter("id")};
    one.target = id;
    const auto found = with.tokens.tokens().find(id);
    if (found == with.tokens.tokens().end())
        throw refused{404, "not_found", "there is no token with this id"};
    const auto& known = found->second;
    std::size_t masters = 0;
    for (const auto& [other, token] : with.tokens.tokens())
        masters += principal_of(token).may(role::admin) && principal_of(token).covers_all() &&
                   token.valid_at(one.now_ms) && token.expires_ms == 0;
    const bool master = principal_of(known).may(role::admin) && principal_of(known).covers_all() &&
                        known.expires_ms == 0;
    if (master && masters == 1)
        throw refused{409, "last_admin",
                      "this is the last token that may make others and does not expire; create "
                      "another one first"};
    http::response made;
    made.status = 204;
    if (one.dry_run) co_return made;
    change what;
    what.conditions.push_back(unchanged(with.keys.token(id), known.mod_revision));
    what.operations.push_back(remove(with.keys.token(id)));
    what.audit["name"] = known.name;
    const auto revision = co_await with.store.commit(one, std::move(what));
    if (!revision) throw refused{409, "conflict", "the token was changed meanwhile; try again"};
    with.tokens.remove_token(id);
    co_return made;
}

}  // namespace logagent::web
