#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access.hpp"

namespace logagent::web {

/// A token as it is stored: never the token itself.
struct token_record {
    std::string id;
    std::string name;
    role allowed = role::viewer;
    std::vector<std::string> services;  // globs
    std::string sha256;                 // of the token, hexadecimal
    std::string created_at;
    std::string created_by;       // name of the token it was made with; "" = first start
    std::int64_t expires_ms = 0;  // wall clock; 0 = never
    std::int64_t mod_revision = 0;

    bool valid_at(std::int64_t now_ms) const { return expires_ms == 0 || now_ms < expires_ms; }
};

/// The stored form, and back; nullopt for what this version cannot read: such a token opens
/// nothing.
std::string to_json(const token_record& token);
std::optional<token_record> parse_token(std::string_view id, std::string_view json,
                                        std::int64_t mod_revision);

/// A log-in: what the cookie holds is known by its hash only. Ends with its token.
struct session_record {
    std::string token_id;
    std::int64_t expires_ms = 0;
};

std::string to_json(const session_record& session);
std::optional<session_record> parse_session(std::string_view json);

/// All tokens and sessions, as a watch keeps them: no request waits for etcd to be let in.
class credentials {
public:
    /// False until the first snapshot: nobody can be let in or turned away yet.
    bool known() const noexcept { return known_; }
    void set_known() noexcept { known_ = true; }

    void clear();
    /// `stored` empty = removed. What cannot be read counts as removed.
    void put_token(std::string_view id, std::string_view stored, std::int64_t mod_revision);
    void remove_token(std::string_view id) { tokens_.erase(std::string{id}); }
    void put_session(std::string_view hash, std::string_view stored);
    void remove_session(std::string_view hash) { sessions_.erase(std::string{hash}); }

    /// Who shows this token; null for a wrong, removed or expired one.
    const token_record* by_token(std::string_view text, std::int64_t now_ms) const;
    /// Whose session this cookie is.
    const token_record* by_cookie(std::string_view value, std::int64_t now_ms) const;
    /// When this cookie stops to open anything: with its session or its token. 0 = it opens
    /// nothing.
    std::int64_t cookie_ends_ms(std::string_view value, std::int64_t now_ms) const;

    const std::map<std::string, token_record>& tokens() const noexcept { return tokens_; }
    std::size_t sessions() const noexcept { return sessions_.size(); }

private:
    std::map<std::string, token_record> tokens_;      // by id
    std::map<std::string, session_record> sessions_;  // by hash
    bool known_ = false;
};

principal principal_of(const token_record& token);

}  // namespace logagent::web
