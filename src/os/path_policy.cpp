#include "logagent/os/path_policy.hpp"

#include <algorithm>

#include "logagent/base/glob.hpp"

namespace logagent::os {

namespace {

/// The first pattern that covers the path; null = none.
const std::string* covering(const std::vector<std::string>& patterns, std::string_view path) {
    const auto found = std::ranges::find_if(
        patterns, [&](const std::string& pattern) { return base::glob_covers(pattern, path); });
    return found == patterns.end() ? nullptr : &*found;
}

void tidy(std::vector<std::string>& patterns) {
    std::erase(patterns, "");
    for (auto& pattern : patterns) {
        // "**/x" stays as it is: it may begin anywhere.
        if (pattern.front() == '/') pattern = path_policy::normalise(pattern);
    }
}

}  // namespace

path_policy::path_policy(rules given) : rules_{std::move(given)} {
    tidy(rules_.allow);
    tidy(rules_.deny);
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
    if (out.empty()) out += '/';
    return out;
}

path_policy::verdict path_policy::check(std::string_view path, bool trusted) const {
    if (path.empty() || path.front() != '/') return {false, "is not an absolute path"};
    if (path.find('\0') != std::string_view::npos) return {false, "contains a zero byte"};
    const auto plain = normalise(path);
    if (const auto* denied = covering(rules_.deny, plain))
        return {false, "is inside deny_paths " + *denied};
    if (trusted || covering(rules_.allow, plain)) return {true, {}};
    return {false, "is outside allow_paths"};
}

bool path_policy::allows_below(std::string_view path, bool trusted) const {
    if (check(path, trusted).allowed) return true;
    if (path.empty() || path.front() != '/') return false;
    const auto plain = normalise(path);
    return !covering(rules_.deny, plain) &&
           std::ranges::any_of(rules_.allow, [&](const std::string& pattern) {
               return base::glob_may_lie_below(pattern, plain);
           });
}

}  // namespace logagent::os
