#include "topic_choice.hpp"

#include <re2/re2.h>

#include "logagent/base/escape.hpp"
#include "logagent/base/schema.hpp"
#include "logagent/fleet/pattern.hpp"
#include "logagent/kafka/topic_name.hpp"
#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

namespace {

/// Why POSIX would read the expression otherwise than RE2; empty = it would not.
std::string unlike_posix(std::string_view pattern) {
    bool in_class = false;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        const char next = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
        if (c == '\\') {
            if (in_class) return "a backslash within [...]";
            if (next != '.' && next != '-')
                return std::string{"'\\"} + next + "'; write [0-9] for \\d";
            ++at;
        } else if (in_class) {
            if (c == '[') return "'[' within [...]";
            in_class = c != ']';
        } else if (c == '[') {
            in_class = true;
        } else if (c == '(' && next == '?') {
            return "'(?'; a plain group does";
        } else if ((c == '*' || c == '+' || c == '?' || c == '}') && (next == '?' || next == '+')) {
            return "'?' or '+' behind a repetition";
        } else if (c == ',') {
            return "a comma, which separates expressions for the client";
        }
    }
    return {};
}

}  // namespace

base::result<topic_choice> read_topics(std::string_view text) {
    topic_choice out;
    if (text.starts_with('~')) {
        const auto pattern = text.substr(1);
        if (pattern.empty()) return base::problem{"value", "there is nothing behind the ~"};
        if (const auto compiled = fleet::compile_pattern(pattern); !compiled)
            return compiled.error();
        if (const auto why = unlike_posix(pattern); !why.empty())
            return base::problem{"value", "not allowed here: " + base::visible(why)};
        out.pattern = pattern;
        return out;
    }
    out.topics = base::split_list(text);
    for (const auto& topic : out.topics)
        if (!kafka::valid_topic_name(topic))
            return base::problem{"value", "'" + base::visible(topic, 80) +
                                              "' is no name of a topic; allowed: 1 to 249 of "
                                              "a-z A-Z 0-9 . _ -, or ~ and an expression"};
    if (out.topics.empty())
        return base::problem{"value",
                             "names no topic; allowed: names with commas, or ~ and an "
                             "expression"};
    return out;
}

bool topic_matches(const std::string& pattern, const std::string& topic) {
    const auto compiled = fleet::compile_pattern(pattern);
    const bool hidden =
        topic.ends_with(".dead") || topic.starts_with("_logagent.") || topic.starts_with("__");
    return compiled && !hidden && re2::RE2::FullMatch(topic, **compiled);
}

std::vector<std::string> subscription(const std::vector<std::string>& topics,
                                      const std::string& pattern) {
    if (pattern.empty()) return topics;
    return {"^(" + pattern + ")$"};
}

}  // namespace logagent::transfer
