#include "cookie.hpp"

#include <algorithm>

namespace logagent::web {

std::optional<std::string> find_cookie(const http::request& asked, std::string_view name) {
    std::optional<std::string> found;
    for (const auto& field : asked.fields) {
        if (http::find({field}, "Cookie").empty()) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            auto pair = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
            while (pair.starts_with(' '))
                pair.remove_prefix(1);
            const auto equals = pair.find('=');
            if (equals == pair.npos || pair.substr(0, equals) != name) continue;
            if (found) return std::nullopt;
            found.emplace(pair.substr(equals + 1));
        }
    }
    return found;
}

std::string_view session_cookie_name(bool tls) {
    return tls ? "__Host-logagent-session" : "logagent-session";
}

std::string session_cookie(std::string_view value, long seconds, bool tls) {
    std::string text{session_cookie_name(tls)};
    text += '=';
    text += value;
    text += "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(seconds);
    if (tls) text += "; Secure";
    return text;
}

}  // namespace logagent::web
