#include "page.hpp"

#include "logagent/base/bytes.hpp"
#include "problem.hpp"

namespace logagent::web {

std::string page_token(std::int64_t revision, std::string_view last) {
    return base::base64url_encode(std::to_string(revision) + ":" + std::string{last});
}

std::optional<page_request> parse_page_token(std::string_view token) {
    const auto text = base::base64url_decode(token);
    if (!text) return std::nullopt;
    const auto colon = text->find(':');
    if (colon == text->npos) return std::nullopt;
    const auto revision = base::parse_unsigned(std::string_view{*text}.substr(0, colon));
    if (!revision || *revision > INT64_MAX || *revision == 0) return std::nullopt;
    page_request out;
    out.revision = static_cast<std::int64_t>(*revision);
    out.after = text->substr(colon + 1);
    if (out.after.empty()) return std::nullopt;
    return out;
}

page_request read_page(const http::request& asked) {
    page_request out;
    if (const auto token = asked.query("page_token"); token && !token->empty()) {
        const auto parsed = parse_page_token(*token);
        if (!parsed) throw refused{400, "query", "page_token is not one that this server gave"};
        out = *parsed;
    }
    if (const auto given = asked.query("limit")) {
        const auto number = base::parse_unsigned(*given);
        if (!number || *number < 1 || *number > 500)
            throw refused{400, "query", "limit is not a whole number from 1 to 500"};
        out.limit = *number;
    }
    return out;
}

}  // namespace logagent::web
