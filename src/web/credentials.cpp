#include "credentials.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "logagent/base/json.hpp"
#include "token.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

/// A member that is text; "" if it is not there or something else.
std::string text_of(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_string() ? std::string{found->get_string()} : std::string{};
}

std::int64_t number_of(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_int64() ? found->get_int64() : 0;
}

}  // namespace

std::string to_json(const token_record& token) {
    json::object out;
    out["name"] = token.name;
    out["role"] = name(token.allowed);
    json::array globs;
    for (const auto& glob : token.services)
        globs.emplace_back(glob);
    out["services"] = std::move(globs);
    out["sha256"] = token.sha256;
    out["created_at"] = token.created_at;
    out["created_by"] = token.created_by;
    out["expires_ms"] = token.expires_ms;
    return json::serialize(out);
}

std::optional<token_record> parse_token(std::string_view id, std::string_view text,
                                        std::int64_t mod_revision) {
    const auto parsed = base::parse_json(text);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    const auto& from = parsed->get_object();
    token_record out;
    out.id = id;
    out.mod_revision = mod_revision;
    out.name = text_of(from, "name");
    out.sha256 = text_of(from, "sha256");
    out.created_at = text_of(from, "created_at");
    out.created_by = text_of(from, "created_by");
    const auto allowed = parse_role(text_of(from, "role"));
    const auto* services = from.if_contains("services");
    const auto* expires = from.if_contains("expires_ms");
    if (!allowed || out.sha256.size() != 64 || !services || !services->is_array() ||
        (expires && !expires->is_int64()))
        return std::nullopt;
    out.allowed = *allowed;
    out.expires_ms = number_of(from, "expires_ms");
    for (const auto& glob : services->get_array()) {
        if (!glob.is_string()) return std::nullopt;
        out.services.emplace_back(glob.get_string());
    }
    return out;
}

std::string to_json(const session_record& session) {
    json::object out;
    out["token_id"] = session.token_id;
    out["expires_ms"] = session.expires_ms;
    return json::serialize(out);
}

std::optional<session_record> parse_session(std::string_view text) {
    const auto parsed = base::parse_json(text);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    session_record out;
    out.token_id = text_of(parsed->get_object(), "token_id");
    out.expires_ms = number_of(parsed->get_object(), "expires_ms");
    if (out.token_id.empty() || out.expires_ms == 0) return std::nullopt;
    return out;
}

void credentials::clear() {
    tokens_.clear();
    sessions_.clear();
}

void credentials::put_token(std::string_view id, std::string_view stored,
                            std::int64_t mod_revision) {
    auto read = parse_token(id, stored, mod_revision);
    if (read)
        tokens_.insert_or_assign(std::string{id}, *std::move(read));
    else
        remove_token(id);
}

void credentials::put_session(std::string_view hash, std::string_view stored) {
    auto read = parse_session(stored);
    if (read)
        sessions_.insert_or_assign(std::string{hash}, *std::move(read));
    else
        remove_session(hash);
}

const token_record* credentials::by_token(std::string_view text, std::int64_t now_ms) const {
    if (!looks_like_token(text)) return nullptr;
    const auto hash = sha256_hex(text);
    for (const auto& [id, one] : tokens_)
        if (same_secret(one.sha256, hash)) return one.valid_at(now_ms) ? &one : nullptr;
    return nullptr;
}

const token_record* credentials::by_cookie(std::string_view value, std::int64_t now_ms) const {
    // Looked up by its hash, which a guesser cannot steer: the time it takes tells him nothing.
    const auto session = sessions_.find(sha256_hex(value));
    if (session == sessions_.end() || now_ms >= session->second.expires_ms) return nullptr;
    const auto token = tokens_.find(session->second.token_id);
    if (token == tokens_.end() || !token->second.valid_at(now_ms)) return nullptr;
    return &token->second;
}

std::int64_t credentials::cookie_ends_ms(std::string_view value, std::int64_t now_ms) const {
    const auto* token = by_cookie(value, now_ms);
    if (token == nullptr) return 0;
    const auto session = sessions_.find(sha256_hex(value))->second.expires_ms;
    return token->expires_ms == 0 ? session : std::min(session, token->expires_ms);
}

principal principal_of(const token_record& token) {
    return {token.id, token.name, token.allowed, token.services};
}

}  // namespace logagent::web
