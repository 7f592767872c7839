#include "logagent/base/glob.hpp"

#include "logagent/base/escape.hpp"

namespace logagent::base {

namespace {

constexpr std::string_view special = "*?[";

/// Where the set that begins at `pattern[0] == '['` ends: index of its ']', or npos. A ']' that is
/// the first member is meant literally.
std::size_t set_end(std::string_view pattern) {
    std::size_t at = 1;
    if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
    if (at < pattern.size() && pattern[at] == ']') ++at;
    return pattern.find(']', at);
}

/// Whether `code` is in the set whose text between the brackets is `members`.
bool set_holds(std::string_view members, char32_t code) {
    const bool negated = !members.empty() && (members[0] == '!' || members[0] == '^');
    if (negated) members.remove_prefix(1);
    bool found = false;
    while (!members.empty()) {
        const auto low = first_character(members);
        members.remove_prefix(low.length);
        auto high = low;
        if (members.size() >= 2 && members[0] == '-') {
            high = first_character(members.substr(1));
            members.remove_prefix(1 + high.length);
        }
        found |= low.code <= code && code <= high.code;
    }
    return found != negated;
}

/// Takes one character of the text with the first element of the pattern, which is not '*'. Returns
/// the length of that element, or 0 if it does not fit.
std::size_t take_one(std::string_view pattern, std::string_view text, const character& next) {
    if (pattern.front() == '?') return 1;
    if (pattern.front() == '[') {
        if (const auto end = set_end(pattern); end != pattern.npos)
            return set_holds(pattern.substr(1, end - 1), next.code) ? end + 1 : 0;
    }
    return pattern.front() == text.front() ? 1 : 0;
}

/// One path component against one component of a pattern. Only the last star is ever tried again:
/// what an earlier one took cannot be needed by a later one.
bool component_matches(std::string_view pattern, std::string_view text) {
    std::string_view star_pattern, star_text;
    bool starred = false;
    for (;;) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            starred = true;
            star_pattern = pattern;
            star_text = text;
            continue;
        }
        if (text.empty() && pattern.empty()) return true;
        if (!text.empty() && !pattern.empty()) {
            auto next = first_character(text);
            // A literal is compared byte by byte, a set or '?' takes a whole character.
            const bool whole = pattern.front() == '?' || pattern.front() == '[';
            if (const auto taken = take_one(pattern, text, next); taken != 0) {
                pattern.remove_prefix(taken);
                text.remove_prefix(whole ? next.length : 1);
                continue;
            }
        }
        if (!starred || star_text.empty()) return false;
        star_text.remove_prefix(first_character(star_text).length);
        pattern = star_pattern;
        text = star_text;
    }
}

/// The components of a path, from the left. "/a/b" has three: "", "a", "b".
class components {
public:
    explicit components(std::string_view path) : rest_{path} {}

    bool done() const { return done_; }
    std::string_view front() const { return rest_.substr(0, rest_.find('/')); }
    bool last() const { return rest_.find('/') == rest_.npos; }
    void pop() {
        const auto slash = rest_.find('/');
        if (slash == rest_.npos) {
            done_ = true;
        } else {
            rest_.remove_prefix(slash + 1);
        }
    }

private:
    std::string_view rest_;
    bool done_ = false;
};

enum class wanted { whole, ancestor, descendant };

/// The same algorithm one level up: `**` is to components what `*` is to characters.
bool walk(components pattern, components path, wanted what) {
    components star_pattern = pattern;
    components star_path = path;
    bool starred = false;
    for (;;) {
        if (!pattern.done() && pattern.front() == "**") {
            if (what == wanted::descendant) return true;
            if (pattern.last()) return !path.done();
            pattern.pop();
            starred = true;
            star_pattern = pattern;
            star_path = path;
            continue;
        }
        if (path.done() && what == wanted::descendant) return !pattern.done();
        if (pattern.done() && (path.done() || what == wanted::ancestor)) return true;
        if (!pattern.done() && !path.done() && component_matches(pattern.front(), path.front())) {
            pattern.pop();
            path.pop();
            continue;
        }
        if (!starred || star_path.done()) return false;
        star_path.pop();
        pattern = star_pattern;
        path = star_path;
    }
}

std::string_view without_slash(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    return path;
}

std::optional<std::string> set_problem(std::string_view set) {
    auto members = set.substr(1, set.size() - 2);
    if (!members.empty() && (members[0] == '!' || members[0] == '^')) members.remove_prefix(1);
    if (members.find('/') != members.npos) return "a set cannot hold '/'";
    while (!members.empty()) {
        const auto low = first_character(members);
        members.remove_prefix(low.length);
        if (members.size() < 2 || members[0] != '-') continue;
        const auto high = first_character(members.substr(1));
        members.remove_prefix(1 + high.length);
        if (high.code < low.code) return "a range in " + visible(set, 40) + " goes backwards";
    }
    return std::nullopt;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) noexcept {
    return walk(components{pattern}, components{text}, wanted::whole);
}

bool glob_covers(std::string_view pattern, std::string_view path) noexcept {
    if (pattern == "/") return path.starts_with('/');
    return walk(components{without_slash(pattern)}, components{path}, wanted::ancestor);
}

bool glob_may_lie_below(std::string_view pattern, std::string_view directory) noexcept {
    if (directory == "/") return pattern.starts_with('/') || pattern.starts_with("**");
    return walk(components{pattern}, components{without_slash(directory)}, wanted::descendant);
}

bool is_glob(std::string_view pattern) noexcept {
    return pattern.find_first_of(special) != pattern.npos;
}

std::string_view glob_literal_prefix(std::string_view pattern) noexcept {
    return pattern.substr(0, pattern.find_first_of(special));
}

std::string_view glob_directory(std::string_view pattern) noexcept {
    const auto prefix = glob_literal_prefix(pattern);
    const auto slash = prefix.rfind('/');
    return slash == 0 || slash == prefix.npos ? std::string_view{"/"} : prefix.substr(0, slash);
}

std::optional<std::string> glob_problem(std::string_view pattern) {
    if (pattern.empty()) return "the pattern is empty";
    if (pattern.size() > 4095) return "the pattern is longer than 4095 bytes";
    if (pattern.find('\0') != pattern.npos) return "the pattern holds a NUL byte";
    if (!is_utf8(pattern)) return "the pattern is not UTF-8";
    for (auto rest = pattern; !rest.empty();) {
        if (rest.front() != '[') {
            rest.remove_prefix(1);
            continue;
        }
        const auto end = set_end(rest);
        if (end == rest.npos) return "a '[' has no ']'";
        if (auto problem = set_problem(rest.substr(0, end + 1))) return problem;
        rest.remove_prefix(end + 1);
    }
    return std::nullopt;
}

}  // namespace logagent::base
