#include "command_book.hpp"
#include "json_writer.hpp"
#include "logagent/base/json.hpp"
#include "replay_figures_json.hpp"

// The answers of commands, and what is kept of commands over a restart.

namespace logagent::agent {

namespace {

using phase = command_entry::phase;

std::string_view state_of(const command_entry& entry) {
    if (entry.outcome) return entry.outcome->good ? "done" : "failed";
    return entry.now == phase::running ? "running" : "accepted";
}

void write_time(json_writer& out, std::string_view name, std::int64_t wall_ms) {
    if (wall_ms != 0) out.member(name, utc_time(wall_ms));
}

void write_plan(json_writer& out, const replay_memory& replay) {
    out.key("plan").open('{').member("topic", replay.topic).member("bytes", replay.bytes);
    out.member("lines", replay.lines).key("notes").open('[');
    for (const auto& note : replay.notes)
        out.value(note);
    out.close(']').close('}');
}

void write_progress(json_writer& out, const replay_memory& replay) {
    out.key("progress").open('{');
    write_figures(out, replay.settled);
    out.member("total_bytes", replay.bytes);
    if (replay.at) write_point(out.key("at"), *replay.at);
    if (!replay.waits_for.empty()) out.member("waits_for", replay.waits_for);
    out.close('}');
}

void write_saved(json_writer& out, const command_entry& entry) {
    const auto& replay = entry.replay;
    out.open('{').member("host", entry.host).member("id", entry.id).member("value", entry.value);
    out.member("accepted_ms", entry.accepted_ms).member("started_ms", entry.started_ms);
    out.member("lease", entry.lease).member("leased_ms", entry.leased_ms);
    if (replay.planned) {
        out.key("replay").open('{').member("topic", replay.topic).member("bytes", replay.bytes);
        out.member("lines", replay.lines);
        if (replay.end) write_point(out.key("end"), *replay.end);
        if (replay.at) write_point(out.key("at"), *replay.at);
        write_figures(out.key("settled").open('{'), replay.settled);
        out.close('}').close('}');
    }
    if (entry.outcome) {
        out.member("ended_ms", entry.ended_ms).key("outcome").open('{');
        out.key("good").boolean(entry.outcome->good);
        out.member("code", entry.outcome->code).member("text", entry.outcome->text).close('}');
    }
    out.close('}');
}

// Readers throw json errors as exceptions; load() catches them.

std::string text_at(const base::json_field& from, std::string_view name) {
    return std::string{from.at(name).value().text().value()};
}

std::int64_t number_at(const base::json_field& from, std::string_view name) {
    return from.at(name).value().integer().value();
}

replay_memory read_memory(const base::json_field& from) {
    replay_memory out;
    out.planned = true;
    out.topic = text_at(from, "topic");
    out.bytes = from.at("bytes").value().unsigned_integer().value();
    out.lines = from.at("lines").value().unsigned_integer().value();
    if (const auto end = from.find("end")) out.end = read_point(*end);
    if (const auto at = from.find("at")) out.at = read_point(*at);
    const auto settled = from.at("settled").value();
    // Figures without their place, or the other way round, would count something twice.
    const auto figures = settled.value().is_object() ? read_figures(settled) : std::nullopt;
    if (figures && out.at)
        out.settled = *figures;
    else
        out.at.reset();
    return out;
}

command_entry read_saved(const base::json_field& from) {
    command_entry out;
    out.host = text_at(from, "host");
    out.id = text_at(from, "id");
    out.value = text_at(from, "value");
    out.accepted_ms = number_at(from, "accepted_ms");
    out.started_ms = number_at(from, "started_ms");
    out.lease = number_at(from, "lease");
    out.leased_ms = number_at(from, "leased_ms");
    out.now = out.started_ms != 0 ? phase::running : phase::accepted;
    out.confirmed = false;
    out.unreported = true;
    if (const auto replay = from.find("replay")) out.replay = read_memory(*replay);
    if (const auto outcome = from.find("outcome")) {
        out.ended_ms = number_at(from, "ended_ms");
        out.outcome = command_outcome{outcome->at("good").value().boolean().value(),
                                      text_at(*outcome, "code"),
                                      text_at(*outcome, "text"),
                                      {}};
    }
    return out;
}

}  // namespace

std::string command_book::result(const key& which, std::int64_t now_ms) const {
    json_writer out;
    const auto* entry = find(which);
    out.open('{');
    if (entry) {
        out.member("id", entry->id).member("host", entry->host).member("instance", instance_);
        out.member("command", entry->name).member("state", state_of(*entry));
        if (entry->outcome && !entry->outcome->code.empty())
            out.member("code", entry->outcome->code);
        if (entry->outcome && !entry->outcome->text.empty())
            out.member("text", entry->outcome->text);
        if (!entry->arguments.empty()) out.key("arguments").raw(entry->arguments);
        write_time(out, "accepted", entry->accepted_ms);
        write_time(out, "started", entry->started_ms);
        write_time(out, "ended", entry->ended_ms);
        write_time(out, "updated", now_ms);
        if (entry->replay.planned) write_plan(out, entry->replay);
        if (entry->replay.planned) write_progress(out, entry->replay);
        if (entry->outcome && !entry->outcome->members.empty()) {
            // Members of the object, not a value: the comma is ours.
            auto text = out.take();
            return text + "," + entry->outcome->members + "}";
        }
    }
    return out.close('}').take();
}

std::string command_book::save() const {
    json_writer out;
    out.open('{').member("version", 1).key("commands").open('[');
    for (const auto& [which, entry] : entries_)
        if (entry.now == phase::accepted || entry.now == phase::running) write_saved(out, entry);
    return out.close(']').close('}').take();
}

base::result<void> command_book::load(std::string_view text) {
    std::map<key, command_entry> found;
    try {
        const auto parsed = base::parse_json(text, {.max_bytes = 16u << 20}).value();
        const base::json_field whole{parsed};
        if (number_at(whole, "version") != 1)
            return base::problem{"corrupt", "is of another version"};
        const auto list = whole.at("commands").value();
        const auto count = list.array().value()->size();
        for (std::size_t at = 0; at < count; ++at) {
            auto entry = read_saved(list.at(at));
            auto what = parse_command(entry.value, instance_, entry.accepted_ms);
            if (!what || !std::holds_alternative<replay_command>(*what)) continue;
            entry.what = *std::move(what);
            entry.show(entry.value);
            const key which{entry.host, entry.id};
            found.insert_or_assign(which, std::move(entry));
        }
    } catch (const std::exception& failure) {
        return base::problem{"corrupt", failure.what()};
    }
    entries_ = std::move(found);
    return {};
}

}  // namespace logagent::agent
