#include "http/route_table.hpp"

#include "http/text.hpp"

namespace logagent::http {

namespace {

struct placeholder {
    std::string name;
    bool rest = false;       // takes all that is left, slashes included
    std::size_t length = 0;  // in the pattern
};

placeholder read_placeholder(std::string_view pattern) {
    placeholder result;
    const auto end = pattern.find('}');
    auto name = pattern.substr(1, end - 1);
    result.length = end + 1;
    if (name.ends_with("...")) {
        result.rest = true;
        name.remove_suffix(3);
    }
    result.name = name;
    return result;
}

/// The end of what a placeholder takes of `path`, given the text that follows it in the pattern.
std::size_t end_of_value(std::string_view after, std::string_view path) {
    const auto segment = std::min(path.find('/'), path.size());
    const auto literal = after.substr(0, after.find_first_of("/{"));
    if (literal.empty()) return segment;
    // The last occurrence: "{name}:rollback" takes "a:b" of "a:b:rollback".
    const auto at = path.substr(0, segment).rfind(literal);
    return at == std::string_view::npos ? segment : at;
}

}  // namespace

std::optional<std::vector<field>> fit(std::string_view pattern, std::string_view path) {
    std::vector<field> values;
    while (!pattern.empty()) {
        if (pattern.front() != '{') {
            if (path.empty() || path.front() != pattern.front()) return std::nullopt;
            pattern.remove_prefix(1);
            path.remove_prefix(1);
            continue;
        }
        const auto wanted = read_placeholder(pattern);
        pattern.remove_prefix(wanted.length);
        const auto end = wanted.rest ? path.size() : end_of_value(pattern, path);
        if (end == 0) return std::nullopt;
        values.push_back({wanted.name, percent_decoded(path.substr(0, end), false)});
        path.remove_prefix(end);
    }
    if (!path.empty()) return std::nullopt;
    return values;
}

routing find_route(const std::vector<route>& routes, std::string_view method,
                   std::string_view path) {
    routing result;
    for (const route& one : routes) {
        auto values = fit(one.pattern, path);
        if (!values) continue;
        if (one.method == method || (one.method == "GET" && method == "HEAD")) {
            result.found = &one;
            result.parameters = std::move(*values);
            return result;
        }
        if (!result.allowed.empty()) result.allowed += ", ";
        result.allowed += one.method == "GET" ? "GET, HEAD" : one.method;
    }
    return result;
}

}  // namespace logagent::http
