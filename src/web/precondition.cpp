#include "precondition.hpp"

#include <algorithm>

#include "logagent/base/bytes.hpp"

namespace logagent::web {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

struct tag {
    std::string text;  // without quotes
    bool weak = false;
};

/// A comma list of entity tags; nullopt if it is not one.
std::optional<std::vector<tag>> read_tags(std::string_view list) {
    std::vector<tag> out;
    for (list = trimmed(list); !list.empty(); list = trimmed(list)) {
        tag one;
        if (list.starts_with("W/")) {
            one.weak = true;
            list.remove_prefix(2);
        }
        if (!list.starts_with('"')) return std::nullopt;
        const auto end = list.find('"', 1);
        if (end == list.npos) return std::nullopt;
        one.text = list.substr(1, end - 1);
        out.push_back(std::move(one));
        list = trimmed(list.substr(end + 1));
        if (list.empty()) break;
        if (!list.starts_with(',')) return std::nullopt;
        list.remove_prefix(1);
    }
    if (out.empty()) return std::nullopt;
    return out;
}

}  // namespace

std::string etag_of(std::int64_t mod_revision) {
    return '"' + std::to_string(mod_revision) + '"';
}

bool precondition::holds(std::int64_t mod_revision) const {
    if (what == kind::create) return mod_revision == 0;
    if (what == kind::existing) return mod_revision != 0;
    return what == kind::revisions && mod_revision != 0 &&
           std::ranges::find(revisions, mod_revision) != revisions.end();
}

precondition read_precondition(const http::request& from) {
    using kind = precondition::kind;
    const auto match = trimmed(http::find(from.fields, "If-Match"));
    const auto none = trimmed(http::find(from.fields, "If-None-Match"));
    precondition out;
    if (match.empty() && none.empty()) return out;
    out.what = kind::broken;
    if (!match.empty() && !none.empty()) return out;
    if (!none.empty()) {
        if (none == "*") out.what = kind::create;
        return out;
    }
    if (match == "*") {
        out.what = kind::existing;
        return out;
    }
    const auto tags = read_tags(match);
    if (!tags) return out;
    out.what = kind::revisions;
    for (const auto& one : *tags) {
        const auto number = base::parse_unsigned(one.text);
        if (!one.weak && number && *number <= INT64_MAX)
            out.revisions.push_back(static_cast<std::int64_t>(*number));
    }
    return out;
}

bool not_modified(const http::request& asked, std::string_view etag) {
    const auto none = trimmed(http::find(asked.fields, "If-None-Match"));
    if (none == "*") return true;
    const auto tags = read_tags(none);
    if (!tags) return false;
    return std::ranges::any_of(*tags, [&](const tag& one) { return '"' + one.text + '"' == etag; });
}

}  // namespace logagent::web
