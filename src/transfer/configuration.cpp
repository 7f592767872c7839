#include "logagent/transfer/configuration.hpp"

#include <algorithm>

#include "logagent/base/escape.hpp"
#include "logagent/base/ini.hpp"
#include "logagent/base/json.hpp"
#include "logagent/tail/line_time.hpp"
#include "setting_rows.hpp"
#include "sink_kinds.hpp"
#include "transfer/elasticsearch_index.hpp"

namespace logagent::transfer {

namespace {

using base::setting_problem;
using base::written_setting;

constexpr std::string_view kafka_prefix = "kafka.";

/// A section with everything that was written into it, in order; overrides come last.
struct section {
    std::string kind;  // "sink", "route"
    std::string name;
    std::string where;
    std::vector<written_setting> settings;
};

/// The whole text, sorted by what it is for.
struct sorted_text {
    std::vector<written_setting> general;
    std::vector<section> sections;
    std::vector<setting_problem> problems;
};

bool good_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

section* find_section(sorted_text& in, std::string_view kind, std::string_view name) {
    for (auto& one : in.sections)
        if (one.kind == kind && one.name == name) return &one;
    return nullptr;
}

void add_section(sorted_text& out, const std::string& title, const std::string& where) {
    const auto dot = title.find('.');
    const auto kind = title.substr(0, dot);
    const auto name = dot == title.npos ? std::string{} : title.substr(dot + 1);
    if ((kind != "sink" && kind != "route") || !good_name(name)) {
        out.problems.push_back({where, "[" + base::visible(title, 80) + "]",
                                "there is no such section; allowed: [sink.NAME] and [route.NAME], "
                                "NAME of a-z 0-9 . _ -"});
        return;
    }
    if (find_section(out, kind, name)) {
        out.problems.push_back({where, "[" + title + "]", "stands here a second time"});
        return;
    }
    out.sections.push_back({kind, name, where, {}});
}

void read_file(sorted_text& out, std::string_view text, const std::string& file) {
    const auto document = base::parse_ini(text);
    const auto at = [&](std::size_t line) { return file + ":" + std::to_string(line); };
    for (const auto& error : document.errors)
        out.problems.push_back({at(error.line), "", error.text});
    for (const auto& one : document.sections)
        add_section(out, one.name, at(one.line));
    for (const auto& entry : document.entries) {
        if (entry.section.empty()) {
            out.general.push_back({at(entry.line), entry.key, entry.value});
            continue;
        }
        const auto dot = entry.section.find('.');
        if (dot == entry.section.npos) continue;  // was complained about
        if (auto* in =
                find_section(out, entry.section.substr(0, dot), entry.section.substr(dot + 1)))
            in->settings.push_back({at(entry.line), entry.key, entry.value});
    }
}

/// "route.web.from=latest": the name of a section may have dots, its keys have none, except for
/// "kafka.".
void read_override(sorted_text& out, const std::string& text) {
    const auto document = base::parse_ini(text);
    if (!document.errors.empty() || document.entries.size() != 1) {
        out.problems.push_back(
            {"--set", "",
             document.errors.empty() ? "expected one key=value" : document.errors[0].text});
        return;
    }
    const auto& entry = document.entries[0];
    for (const std::string kind : {"sink", "route"}) {
        if (!entry.key.starts_with(kind + ".")) continue;
        const auto rest = entry.key.substr(kind.size() + 1);
        const auto property = rest.find(".kafka.");
        const auto dot = property == rest.npos ? rest.rfind('.') : property;
        auto* in = dot == rest.npos ? nullptr : find_section(out, kind, rest.substr(0, dot));
        if (!in) {
            if (dot == rest.npos || !good_name(rest.substr(0, dot))) break;
            out.sections.push_back({kind, rest.substr(0, dot), "--set", {}});
            in = &out.sections.back();
        }
        in->settings.push_back({"--set", rest.substr(dot + 1), entry.value});
        return;
    }
    out.general.push_back({"--set", entry.key, entry.value});
}

template <class Into>
std::vector<setting_problem> assign(Into& into, const written_setting& given,
                                    std::span<const setting_row<Into>> table,
                                    std::span<const base::schema_row> rows) {
    const auto* known = find_setting(table, given.key);
    if (!known) return {base::unknown_setting(given, rows)};
    auto parsed = base::parse_value(known->row, given.value);
    const auto stored =
        parsed ? known->set(into, *std::move(parsed)) : base::result<void>{parsed.error()};
    if (stored) return {};
    return {base::bad_setting(given, stored.error().text)};
}

template <class Into>
void append(std::vector<Into>& to, std::vector<Into> more) {
    std::move(more.begin(), more.end(), std::back_inserter(to));
}

bool is_for(std::string_view only, std::string_view type) {
    const std::string words = " " + std::string{only} + " ";
    return only.empty() || words.find(" " + std::string{type} + " ") != words.npos;
}

/// A key that is not for this kind of sink would be without effect, which nobody should find out by
/// waiting.
template <class Into>
void refuse_foreign(const section& from, std::span<const setting_row<Into>> table,
                    std::string_view type, std::vector<setting_problem>& problems) {
    for (const auto& given : from.settings) {
        const auto key = given.key.starts_with(kafka_prefix) ? "kafka.<property>" : given.key;
        for (const auto& one : table)
            if (one.row.name == key && !is_for(one.only, type))
                problems.push_back({given.where, given.key,
                                    "has no meaning for a sink of type " + std::string{type}});
    }
}

void need(const section& from, std::string_view key, std::vector<setting_problem>& problems) {
    if (key.empty()) return;
    for (const auto& given : from.settings)
        if (given.key == key) return;
    problems.push_back({from.where, std::string{key}, "is missing"});
}

struct read_sink {
    sink_settings settings;
    std::vector<setting_problem> problems;
};

read_sink read_sink_section(const section& from) {
    read_sink out;
    out.settings.name = from.name;
    std::string type;
    for (const auto& given : from.settings) {
        if (given.key.starts_with(kafka_prefix)) {
            out.settings.kafka[given.key.substr(kafka_prefix.size())] = given.value;
            continue;
        }
        append(out.problems, assign(out.settings, given, sink_table(), sink_rows()));
        if (given.key == "type") type = given.value;
    }
    need(from, "type", out.problems);
    const auto* kind = find_kind(type);
    if (!kind) return out;
    if (!kind->make)
        out.problems.push_back({from.where, "type", "'" + type + "' is not in this build yet"});
    need(from, kind->needs, out.problems);
    if (kind->type == sink_type::storm && out.settings.url.empty() &&
        out.settings.kafka_addr.empty())
        out.problems.push_back({from.where, "url", "is missing (or kafka_addr, for mode = kafka)"});
    refuse_foreign(from, sink_table(), kind->name, out.problems);
    if (out.settings.user.empty() != out.settings.password_file.empty() &&
        kind->type != sink_type::hdfs)
        out.problems.push_back({from.where, out.settings.user.empty() ? "user" : "password_file",
                                "is missing: user and password_file go together"});
    return out;
}

struct read_route {
    route_settings settings;
    std::vector<setting_problem> problems;
};

void check_storm(const section& from, const route_settings& route, const sink_settings& sink,
                 std::vector<setting_problem>& problems) {
    const bool drpc = route.options.mode == "drpc";
    need(from, drpc ? "function" : "topic", problems);
    if (drpc && sink.url.empty())
        problems.push_back({from.where, "mode", "'drpc' needs a sink with url"});
    if (!drpc && sink.kafka_addr.empty())
        problems.push_back({from.where, "mode", "'kafka' needs a sink with kafka_addr"});
}

/// The template is for what the pattern matches, and one that begins with a word matches the
/// indices of everybody.
void check_index(const section& from, const route_settings& route,
                 std::vector<setting_problem>& problems) {
    const auto pattern = index_pattern::parse(route.options.index);
    if (pattern && route.options.install_template && pattern->wildcard().starts_with('*'))
        problems.push_back({from.where, "index",
                            "begins with braces, so the index template would be one for indices "
                            "of others too; begin it with a fixed word, such as logs-, or set "
                            "install_template = false"});
}

read_route read_route_section(const section& from, const std::vector<sink_settings>& sinks) {
    read_route out;
    out.settings.name = from.name;
    for (const auto& given : from.settings) {
        append(out.problems, assign(out.settings, given, route_table(), route_rows()));
        out.settings.written += given.key + "=" + given.value + "\n";
    }
    need(from, "topics", out.problems);
    need(from, "sink", out.problems);
    if (out.settings.sink.empty()) return out;
    const auto found = std::find_if(sinks.begin(), sinks.end(), [&](const sink_settings& one) {
        return one.name == out.settings.sink;
    });
    if (found == sinks.end()) {
        out.problems.push_back({from.where, "sink",
                                "'" + base::visible(out.settings.sink, 80) +
                                    "' is not the name of a usable [sink.NAME] of this file"});
        return out;
    }
    const auto& kind = kind_of(found->type);
    need(from, kind.route_needs, out.problems);
    if (kind.type == sink_type::storm) check_storm(from, out.settings, *found, out.problems);
    if (kind.type == sink_type::elasticsearch) check_index(from, out.settings, out.problems);
    refuse_foreign(from, route_table(), kind.name, out.problems);
    if (const auto made = create_document_maker(out.settings.documents); !made)
        out.problems.push_back({from.where, "parse", made.error().text});
    return out;
}

void read_general(loaded_settings& out, const sorted_text& from, const std::string& file) {
    for (const auto& given : from.general) {
        if (given.key.starts_with(kafka_prefix))
            out.settings.kafka[given.key.substr(kafka_prefix.size())] = given;
        else
            append(out.problems, assign(out.settings, given, general_table(), general_rows()));
    }
    const auto has = [&](std::string_view key) {
        return std::any_of(from.general.begin(), from.general.end(),
                           [&](const written_setting& one) { return one.key == key; });
    };
    const auto where = file.empty() ? std::string{"the command line"} : file;
    for (const auto& [one, other] :
         {std::pair{"etcd_user", "etcd_password_file"}, std::pair{"etcd_cert", "etcd_key"}})
        if (has(one) != has(other))
            out.problems.push_back(
                {where, has(one) ? other : one,
                 "is missing: it goes together with " + std::string{has(one) ? one : other}});
    if (out.problems.empty() && out.settings.kafka_addr.empty())
        out.problems.push_back(
            {where, "kafka_addr", "is missing; allowed: host:port, several with commas"});
}

/// JSON as somebody would have written it into a section.
base::result<std::string> text_of(const base::json::value& value) {
    if (value.is_string()) return std::string{value.get_string()};
    if (value.is_bool()) return std::string{value.get_bool() ? "true" : "false"};
    if (value.is_int64()) return std::to_string(value.get_int64());
    if (!value.is_array())
        return base::problem{"type", "allowed: text, a number, true, false, or an array of texts"};
    std::string out;
    for (const auto& one : value.get_array()) {
        if (!one.is_string()) return base::problem{"type", "allowed in the array: texts"};
        out += (out.empty() ? "" : ",") + std::string{one.get_string()};
    }
    return out;
}

}  // namespace

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
    // Only what says its zone and is a moment for ever: no "2h ago".
    const bool dated = text.size() >= 20 && text[4] == '-' && text[10] == 'T';
    const bool zoned =
        dated && (text.back() == 'Z' || text.substr(19).find_first_of("+-") != text.npos);
    return zoned ? tail::parse_moment(text, 0) : std::nullopt;
}

loaded_settings load_settings(std::string_view text, const std::string& file,
                              std::span<const std::string> overrides) {
    sorted_text sorted;
    read_file(sorted, text, file);
    for (const auto& one : overrides)
        read_override(sorted, one);
    loaded_settings out;
    out.problems = sorted.problems;
    read_general(out, sorted, file);
    for (const auto& one : sorted.sections) {
        if (one.kind != "sink") continue;
        auto sink = read_sink_section(one);
        if (sink.problems.empty())
            out.settings.sinks.push_back(std::move(sink.settings));
        else
            out.refused.push_back({"sink." + one.name, std::move(sink.problems)});
    }
    for (const auto& one : sorted.sections) {
        if (one.kind != "route") continue;
        auto route = read_route_section(one, out.settings.sinks);
        if (route.problems.empty())
            out.settings.routes.push_back(std::move(route.settings));
        else
            out.refused.push_back({"route." + one.name, std::move(route.problems)});
    }
    return out;
}

loaded_route load_route(const std::string& name, std::string_view json, const std::string& where,
                        const std::vector<sink_settings>& sinks) {
    loaded_route out;
    const auto refuse = [&](std::string key, std::string why) {
        out.problems.push_back({where, std::move(key), std::move(why)});
    };
    if (!good_name(name)) refuse("", "the name of a route has 1 to 64 of a-z 0-9 . _ -");
    const auto parsed = base::parse_json(json);
    if (!parsed)
        refuse("", base::describe(parsed.error()));
    else if (!parsed->is_object())
        refuse("", "not a JSON object with the fields of a route");
    if (!out.problems.empty()) return out;
    section as_section{"route", name, where, {}};
    for (const auto& [key, value] : parsed->get_object()) {
        const auto text = text_of(value);
        if (!text)
            refuse(std::string{key}, text.error().text);
        else
            as_section.settings.push_back({where, std::string{key}, *text});
    }
    auto route = read_route_section(as_section, sinks);
    append(out.problems, std::move(route.problems));
    if (out.problems.empty()) out.route = std::move(route.settings);
    return out;
}

}  // namespace logagent::transfer
