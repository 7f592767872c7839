#include "command.hpp"

#include <algorithm>
#include <initializer_list>

#include "json_writer.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/base/json.hpp"
#include "logagent/tail/line_time.hpp"

namespace logagent::agent {

namespace {

constexpr std::size_t longest_text = 4096;
constexpr std::uint64_t most_rate = 1'000'000'000;
constexpr std::size_t most_paths = 10'000;
constexpr std::size_t usual_paths = 1000;

/// Thrown by the readers below and caught in parse_command().
struct refusal {
    base::problem why;
};

[[noreturn]] void refuse(std::string code, std::string text) {
    throw refusal{{std::move(code), std::move(text)}};
}

[[noreturn]] void refuse(const base::json_error& error) {
    refuse("arguments", base::describe(error));
}

template <class Value>
Value taken(const base::json_result<Value>& read) {
    if (!read) refuse(read.error());
    return *read;
}

void check_names(const base::json_field& object, std::initializer_list<std::string_view> known) {
    const auto* members = taken(object.object());
    for (const auto& member : *members) {
        if (std::find(known.begin(), known.end(), std::string_view{member.key()}) != known.end())
            continue;
        std::string all;
        for (const auto name : known)
            all += (all.empty() ? "" : ", ") + std::string{name};
        if (all.empty()) all = "nothing";
        refuse("arguments", object.pointer() + "/" + base::visible(member.key(), 60) +
                                ": there is no such argument; allowed: " + all);
    }
}

std::string text_of(const base::json_field& from) {
    const auto text = taken(from.text());
    if (text.size() > longest_text)
        refuse(from.complain("range", "is longer than " + std::to_string(longest_text) + " bytes"));
    return std::string{text};
}

std::string text_at(const base::json_field& object, std::string_view name) {
    const auto field = object.find(name);
    return field ? text_of(*field) : std::string{};
}

/// A number may stand without quotes.
std::string text_or_number_at(const base::json_field& object, std::string_view name) {
    const auto field = object.find(name);
    if (!field) return {};
    if (field->value().is_string()) return text_of(*field);
    return std::to_string(taken(field->unsigned_integer()));
}

bool flag_at(const base::json_field& object, std::string_view name) {
    const auto field = object.find(name);
    return field && taken(field->boolean());
}

std::string moment_at(const base::json_field& object, std::string_view name, std::int64_t now_ms) {
    const auto text = text_or_number_at(object, name);
    if (text.empty()) return text;
    const auto moment = tail::parse_moment(text, now_ms);
    if (!moment)
        refuse("arguments", object.pointer() + "/" + std::string{name} + ": '" +
                                base::visible(text, 80) +
                                "' is no moment; allowed: a date with or without a time, seconds "
                                "or milliseconds since 1970, or 30m, 2h, 3d for that long ago");
    return utc_time(*moment);
}

void check_path(const base::json_field& object, std::string_view name, const std::string& path) {
    if (!path.empty() && path.front() == '/') return;
    refuse("arguments",
           object.pointer() + "/" + std::string{name} + ": has to be an absolute path");
}

command read_replay(const base::json_field& from, std::int64_t now_ms) {
    check_names(from, {"path", "generation", "offset", "since", "until", "last", "topic",
                       "same_topic", "rate", "dry_run"});
    replay_command out;
    out.path = text_of(taken(from.at("path")));
    check_path(from, "path", out.path);
    out.generation = text_at(from, "generation");
    out.offset = text_at(from, "offset");
    out.since = moment_at(from, "since", now_ms);
    out.until = moment_at(from, "until", now_ms);
    out.last = text_or_number_at(from, "last");
    out.topic = text_at(from, "topic");
    const bool by_time = !out.since.empty() || !out.until.empty();
    if (int{!out.offset.empty()} + int{by_time} + int{!out.last.empty()} != 1)
        refuse("arguments",
               from.pointer() + ": say which part: one of offset, since with until, and last");
    if (flag_at(from, "same_topic") == !out.topic.empty())
        refuse("arguments", from.pointer() + ": say where to: either topic, or same_topic: true");
    const auto rate = from.find("rate");
    out.rate = rate ? taken(rate->unsigned_integer(most_rate)) : default_replay_rate;
    out.dry_run = flag_at(from, "dry_run");
    return out;
}

command read_paths(const base::json_field& from) {
    check_names(from, {"glob", "limit"});
    paths_command out;
    out.glob = text_of(taken(from.at("glob")));
    check_path(from, "glob", out.glob);
    if (const auto wrong = base::glob_problem(out.glob))
        refuse("arguments", from.pointer() + "/glob: " + *wrong);
    const auto limit = from.find("limit");
    out.limit = limit ? taken(limit->unsigned_integer(most_paths)) : usual_paths;
    return out;
}

command read(const base::json_field& whole, std::string_view instance, std::int64_t now_ms) {
    if (const auto named = whole.find("instance")) {
        const auto text = taken(named->text());
        if (text != instance)
            refuse("other_instance", "the command is for instance " + base::visible(text, 80) +
                                         "; this agent is " + std::string{instance});
    }
    const auto name = std::string{taken(taken(whole.at("command")).text())};
    static const base::json::value nothing = base::json::object{};
    const auto given = whole.find("arguments");
    const auto arguments = given ? *given : base::json_field{nothing, "/arguments"};
    taken(arguments.object());
    if (name == "replay") return read_replay(arguments, now_ms);
    if (name == "paths") return read_paths(arguments);
    if (name == "tap")
        refuse("not_supported", "tap is not supported yet by this version of the agent");
    if (name != "rescan" && name != "forget")
        refuse("unknown_command", "/command: '" + base::visible(name, 80) +
                                      "' is no command; allowed: replay, paths, rescan, forget");
    check_names(arguments, {});
    if (name == "rescan") return rescan_command{};
    return forget_command{};
}

}  // namespace

base::result<command> parse_command(std::string_view value, std::string_view instance,
                                    std::int64_t now_ms) {
    if (value.size() > most_command_bytes)
        return base::problem{"too_large",
                             "the command has " + std::to_string(value.size()) +
                                 " bytes; allowed: " + std::to_string(most_command_bytes)};
    const auto parsed = base::parse_json(value);
    if (!parsed) return base::problem{"syntax", base::describe(parsed.error())};
    if (!parsed->is_object()) return base::problem{"syntax", "the command is no JSON object"};
    try {
        return read(base::json_field{*parsed}, instance, now_ms);
    } catch (const refusal& refused) {
        return refused.why;
    }
}

bool is_command_id(std::string_view id) {
    const auto good = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '_';
    };
    return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), good);
}

std::vector<std::string> replay_words(const replay_command& wanted,
                                      const std::optional<tail::replay_point>& done,
                                      const std::optional<tail::replay_point>& end) {
    std::vector<std::string> out{"replay", "--by-command"};
    // One word each, so that no value can be taken for a flag.
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) out.push_back(std::string{name} + "=" + value);
    };
    add("--path", wanted.path);
    add("--generation", wanted.generation);
    add("--offset", wanted.offset);
    add("--since", wanted.since);
    add("--until", wanted.until);
    add("--last", wanted.last);
    add("--topic", wanted.topic);
    if (wanted.topic.empty()) out.emplace_back("--same-topic");
    add("--rate", std::to_string(wanted.rate));
    if (wanted.dry_run) out.emplace_back("--dry-run");
    const auto place = [](const tail::replay_point& at) {
        return at.generation.text() + ":" + std::to_string(at.offset);
    };
    if (done) add("--from", place(*done));
    if (end) add("--to", place(*end));
    return out;
}

}  // namespace logagent::agent
