#include "logagent/agent/replay_lines.hpp"

#include <array>
#include <utility>

#include "replay_figures_json.hpp"

namespace logagent::agent {

namespace {

using kind = replay_line::kind;
using checkpoint::byte_class;

constexpr std::array<std::pair<kind, std::string_view>, 5> states{{
    {kind::planned, "planned"},
    {kind::running, "running"},
    {kind::done, "done"},
    {kind::stopped, "stopped"},
    {kind::failed, "failed"},
}};

/// What a replayed byte can become.
constexpr std::array<std::pair<byte_class, std::string_view>, 5> classes{{
    {byte_class::acked, "acked"},
    {byte_class::blank, "blank"},
    {byte_class::filtered, "filtered"},
    {byte_class::cut, "cut"},
    {byte_class::dead_letter, "dead_letter"},
}};

constexpr std::size_t most_line_bytes = 256 << 10;

bool read_number(const base::json_field& from, std::string_view name, std::uint64_t& out) {
    const auto field = from.at(name);
    if (!field) return false;
    const auto number = field->unsigned_integer();
    if (!number) return false;
    out = *number;
    return true;
}

std::string read_text(const base::json_field& from, std::string_view name) {
    const auto field = from.find(name);
    if (!field) return {};
    const auto text = field->text();
    return text ? std::string{*text} : std::string{};
}

std::vector<std::string> read_notes(const base::json_field& from) {
    std::vector<std::string> out;
    const auto field = from.find("notes");
    if (!field) return out;
    const auto list = field->array();
    if (!list) return out;
    for (std::size_t at = 0; at < (*list)->size(); ++at)
        if (const auto text = field->at(at).text()) out.emplace_back(*text);
    return out;
}

void write_members(json_writer& out, const replay_line& line) {
    if (line.state == kind::planned) {
        out.member("topic", line.topic).member("bytes", line.bytes).member("lines", line.lines);
        if (line.end) write_point(out.key("end"), *line.end);
        out.key("notes").open('[');
        for (const auto& note : line.notes)
            out.value(note);
        out.close(']');
        return;
    }
    write_figures(out, line.figures);
    if (line.at) write_point(out.key("at"), *line.at);
    if (!line.waits_for.empty()) out.member("waits_for", line.waits_for);
    if (line.state != kind::failed) return;
    out.member("code", line.code).member("text", line.text);
}

bool read_members(const base::json_field& from, replay_line& out) {
    if (out.state == kind::planned) {
        out.topic = read_text(from, "topic");
        out.notes = read_notes(from);
        if (const auto end = from.find("end"))
            if (out.end = read_point(*end); !out.end) return false;
        return read_number(from, "bytes", out.bytes) && read_number(from, "lines", out.lines);
    }
    const auto figures = read_figures(from);
    if (!figures) return false;
    out.figures = *figures;
    if (const auto at = from.find("at"))
        if (out.at = read_point(*at); !out.at) return false;
    out.waits_for = read_text(from, "waits_for");
    out.code = read_text(from, "code");
    out.text = read_text(from, "text");
    return true;
}

}  // namespace

replay_figures& replay_figures::operator+=(const replay_figures& more) {
    bytes += more.bytes;
    records += more.records;
    refused_letters += more.refused_letters;
    for (std::size_t at = 0; at < counts.size(); ++at)
        counts[at] += more.counts[at];
    return *this;
}

void write_figures(json_writer& out, const replay_figures& figures) {
    out.member("bytes", figures.bytes).member("records", figures.records);
    out.member("refused_letters", figures.refused_letters);
    for (const auto& [which, name] : classes)
        out.member(name, figures.counts[static_cast<std::size_t>(which)]);
}

std::optional<replay_figures> read_figures(const base::json_field& from) {
    replay_figures out;
    bool good = read_number(from, "bytes", out.bytes) &&
                read_number(from, "records", out.records) &&
                read_number(from, "refused_letters", out.refused_letters);
    for (const auto& [which, name] : classes)
        good = good && read_number(from, name, out.counts[static_cast<std::size_t>(which)]);
    if (!good) return std::nullopt;
    return out;
}

void write_point(json_writer& out, const tail::replay_point& point) {
    out.open('{').member("generation", point.generation.text());
    out.member("offset", point.offset).close('}');
}

std::optional<tail::replay_point> read_point(const base::json_field& from) {
    tail::replay_point out;
    if (!from.value().is_object()) return std::nullopt;
    if (!checkpoint::generation_id::parse(read_text(from, "generation"), out.generation) ||
        !read_number(from, "offset", out.offset))
        return std::nullopt;
    return out;
}

std::string write_replay_line(const replay_line& line) {
    json_writer out;
    out.open('{');
    for (const auto& [state, name] : states)
        if (state == line.state) out.member("state", name);
    write_members(out, line);
    return out.close('}').take();
}

base::result<replay_line> read_replay_line(std::string_view text) {
    const auto wrong = [](std::string why) { return base::problem{"replay_line", std::move(why)}; };
    const auto parsed = base::parse_json(text, {.max_bytes = most_line_bytes});
    if (!parsed) return wrong(base::describe(parsed.error()));
    const base::json_field whole{*parsed};
    if (!parsed->is_object()) return wrong("is no object");
    const auto named = read_text(whole, "state");
    for (const auto& [state, name] : states) {
        if (name != named) continue;
        replay_line out;
        out.state = state;
        if (!read_members(whole, out)) return wrong("a field is missing or is no number");
        return out;
    }
    return wrong("has no state");
}

}  // namespace logagent::agent
