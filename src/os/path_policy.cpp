#include "logagent/os/path_policy.hpp"

#include <algorithm>

namespace logagent::os {

namespace {

std::size_t components(std::string_view path) {
    return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

/// Calls `found` with each ancestor of an absolute path from the top, then with the path itself,
/// until one is taken.
template <class Predicate>
bool any_ancestor(std::string_view path, Predicate found) {
    for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
        if (found(path.substr(0, slash))) return true;
    }
    return found(path);
}

}  // namespace

path_policy::path_policy(const rules& given, glob_function glob)
    : allow_{prepare(given.allow)}, deny_{prepare(given.deny)}, glob_{glob} {}

std::vector<path_policy::rule> path_policy::prepare(const std::vector<std::string>& patterns) {
    std::vector<rule> out;
    for (const auto& pattern : patterns) {
        if (pattern.empty()) continue;
        const bool glob = pattern.find_first_of("*?[") != std::string::npos;
        // "**/x" stays as it is: it may begin anywhere.
        out.push_back({pattern.front() == '/' ? normalise(pattern) : pattern, glob});
    }
    return out;
}

std::string path_policy::normalise(std::string_view path) {
    std::string out;
    out.reserve(path.size() + 1);
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const auto component = path.substr(begin, end - begin);
        begin = end + 1;
        if (component.empty() || component == ".") continue;
        if (component == "..") {
            const auto slash = out.rfind('/');
            out.resize(slash == std::string::npos ? 0 : slash);
        } else {
            out += '/';
            out += component;
        }
    }
    if (out.empty()) out = "/";
    return out;
}

bool path_policy::covers(const rule& one, std::string_view path) const {
    if (one.pattern == "/") return true;
    if (one.glob) {
        const auto matches = [&](std::string_view part) { return glob_(one.pattern, part); };
        return any_ancestor(path, matches);
    }
    return path.starts_with(one.pattern) &&
           (path.size() == one.pattern.size() || path[one.pattern.size()] == '/');
}

const path_policy::rule* path_policy::covering(const std::vector<rule>& among,
                                               std::string_view path) const {
    const auto found = std::find_if(among.begin(), among.end(),
                                    [&](const rule& one) { return covers(one, path); });
    return found == among.end() ? nullptr : &*found;
}

path_policy::verdict path_policy::check(std::string_view path, bool trusted) const {
    if (path.empty() || path.front() != '/') return {false, "is not an absolute path"};
    if (path.find('\0') != std::string_view::npos) return {false, "contains a zero byte"};
    const auto plain = normalise(path);
    if (const auto* denied = covering(deny_, plain))
        return {false, "is inside deny_paths " + denied->pattern};
    if (trusted || covering(allow_, plain)) return {true, {}};
    return {false, "is outside allow_paths"};
}

/// Whether the path is a proper ancestor of something that the rule names.
bool path_policy::leads_to(const rule& one, std::string_view path) const {
    if (path == "/") return true;
    const std::string_view pattern = one.pattern;
    // From a component "**" on anything may follow.
    const auto depth = components(path);
    std::size_t end = 0;
    for (std::size_t level = 0; level < depth; ++level) {
        if (end >= pattern.size()) return false;  // the path is longer than the pattern
        const auto next = std::min(pattern.find('/', end + 1), pattern.size());
        const auto component = pattern.substr(end, next - end);
        if (component == "/**" || component == "**") return true;
        end = next;
    }
    const auto head = pattern.substr(0, end);
    return one.glob ? glob_(head, path) : head == path;
}

bool path_policy::allows_below(std::string_view path, bool trusted) const {
    const auto itself = check(path, trusted);
    if (itself.allowed) return true;
    if (path.empty() || path.front() != '/') return false;
    const auto plain = normalise(path);
    if (covering(deny_, plain)) return false;
    return std::any_of(allow_.begin(), allow_.end(),
                       [&](const rule& one) { return leads_to(one, plain); });
}

}  // namespace logagent::os
