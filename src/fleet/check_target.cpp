#include <re2/re2.h>

#include <algorithm>

#include "fleet/target_fields.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/fleet/pattern.hpp"

namespace logagent::fleet {

namespace {

constexpr std::size_t longest_path = 4095;
constexpr std::size_t longest_topic = 249;
constexpr std::size_t longest_service = 256;

std::string below(const std::string& pointer, std::string_view name) {
    auto out = pointer;
    base::append_pointer(out, name);
    return out;
}

std::string below(const std::string& pointer, std::string_view name, std::size_t index) {
    auto out = below(pointer, name);
    base::append_pointer(out, index);
    return out;
}

/// Takes repeated slashes together, as the kernel does.
std::string normal_path(std::string_view path) {
    std::string out;
    for (const char c : path)
        if (c != '/' || out.empty() || out.back() != '/') out.push_back(c);
    return out;
}

bool has_dot_component(std::string_view path) {
    const auto framed = "/" + std::string{path} + "/";
    return framed.find("/../") != framed.npos || framed.find("/./") != framed.npos;
}

/// Why `path` cannot be collected, as {code, text}, or an empty code.
base::problem path_problem(const std::string& path) {
    if (path.empty()) return {"missing", "log_path is missing or empty"};
    if (path.front() != '/') return {"path", "the path is not absolute"};
    if (path.find('\0') != path.npos) return {"path", "the path holds a NUL byte"};
    if (path.size() > longest_path) return {"path", "the path is longer than 4095 bytes"};
    if (has_dot_component(path)) return {"path", "the path goes through '.' or '..'"};
    if (path.back() == '/') return {"path", "the path names a directory"};
    if (base::is_glob(path))
        if (const auto problem = base::glob_problem(path)) return {"glob", *problem};
    return {};
}

base::problem topic_problem(const std::string& topic) {
    if (topic.empty()) return {"missing", "topic is missing or empty"};
    const bool legal = topic.size() <= longest_topic && topic != "." && topic != ".." &&
                       std::all_of(topic.begin(), topic.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
                       });
    if (!legal) return {"topic", "a topic is 1 to 249 of a-z A-Z 0-9 . _ - and not '.' or '..'"};
    return {};
}

base::problem service_problem(const std::string& service) {
    if (service.size() > longest_service) return {"service", "longer than 256 bytes"};
    if (std::any_of(service.begin(), service.end(),
                    [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; }))
        return {"service", "holds a control character"};
    return {};
}

base::problem exclude_problem(const std::string& glob) {
    if (const auto problem = base::glob_problem(glob)) return {"glob", *problem};
    if (glob.find('/') != glob.npos && glob.front() != '/' && !glob.starts_with("**/"))
        return {"glob", "a glob with a slash begins with '/' or '**/', or it would never match"};
    return {};
}

base::problem pattern_problem(const std::string& pattern) {
    const auto compiled = compile_pattern(pattern);
    return compiled ? base::problem{} : compiled.error();
}

base::problem mask_problem(const mask_rule& rule) {
    const auto compiled = compile_pattern(rule.match);
    if (!compiled) return compiled.error();
    if (re2::RE2::PartialMatch("", **compiled))
        return {"pattern", "a mask must not match the empty text: it would mask between all bytes"};
    if (auto text = replacement_problem(**compiled, rule.with); !text.empty())
        return {"pattern", "\"with\" does not fit: " + text};
    return {};
}

}  // namespace

void check_entry(entry_reader& reader, const std::string& pointer) {
    auto& target = reader.target;
    const auto tell = [&](std::string at, base::problem problem) {
        if (!problem.code.empty())
            reader.complain(std::move(at), std::move(problem.code), std::move(problem.text));
    };
    target.log_path = normal_path(target.log_path);
    tell(below(pointer, "service"), service_problem(target.service));
    tell(below(pointer, "log_path"), path_problem(target.log_path));
    tell(below(pointer, "topic"), topic_problem(target.topic));
    for (std::size_t i = 0; i < target.exclude.size(); ++i)
        tell(below(pointer, "exclude", i), exclude_problem(target.exclude[i]));
    for (std::size_t i = 0; i < target.keep.size(); ++i)
        tell(below(pointer, "keep", i), pattern_problem(target.keep[i]));
    for (std::size_t i = 0; i < target.drop.size(); ++i)
        tell(below(pointer, "drop", i), pattern_problem(target.drop[i]));
    for (std::size_t i = 0; i < target.mask.size(); ++i)
        tell(below(pointer, "mask", i), mask_problem(target.mask[i]));
    if (target.multiline)
        tell(below(pointer, "multiline") + "/start", pattern_problem(target.multiline->start));
    if (target.decode != decode_kind::none && target.charset != charset_kind::bytes)
        reader.complain(below(pointer, "charset"), "conflict",
                        "container formats are UTF-8: 'decode' and 'charset' exclude each other");
    if (target.overload == overload_policy::live_first && target.charset != charset_kind::bytes)
        reader.complain(below(pointer, "overload"), "conflict",
                        "'live_first' finds its place by line ends of one byte: with this "
                        "'charset' only 'block' is possible");
}

std::vector<entry_error> check_target(log_target& target, const std::string& pointer) {
    entry_reader reader;
    reader.target = std::move(target);
    check_entry(reader, pointer);
    target = std::move(reader.target);
    return std::move(reader.errors);
}

bool excludes(const log_target& target, std::string_view path) {
    const auto name = path.substr(path.rfind('/') + 1);
    return std::any_of(target.exclude.begin(), target.exclude.end(), [&](const std::string& glob) {
        const bool whole = glob.find('/') != glob.npos;
        return base::glob_matches(glob, whole ? path : name);
    });
}

}  // namespace logagent::fleet
