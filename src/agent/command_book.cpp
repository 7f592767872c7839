#include "command_book.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <limits>
#include <set>

#include "logagent/base/json.hpp"

namespace logagent::agent {

namespace {

using phase = command_entry::phase;

constexpr std::size_t longest_shown_arguments = 8 << 10;

command_outcome failure(std::string code, std::string text) {
    return {false, std::move(code), std::move(text), {}};
}

/// Also when the clock was turned back.
bool passed(std::int64_t since_ms, std::int64_t interval_ms, std::int64_t now_ms) {
    return now_ms < since_ms || now_ms - since_ms >= interval_ms;
}

}  // namespace

void command_entry::show(std::string_view value_read) {
    if (value_read.size() > most_command_bytes) return;
    const auto parsed = base::parse_json(value_read);
    if (!parsed || !parsed->is_object()) return;
    const auto& members = parsed->get_object();
    if (const auto* named = members.if_contains("command"); named && named->is_string())
        name = std::string{named->get_string()}.substr(0, 80);
    if (const auto* given = members.if_contains("arguments"))
        arguments = base::json::serialize(*given);
    if (arguments.size() > longest_shown_arguments) arguments.clear();
}

void replay_memory::take(const replay_line& line) {
    if (line.state == replay_line::kind::planned) {
        if (std::exchange(planned, true)) return;
        topic = line.topic;
        bytes = line.bytes;
        lines = line.lines;
        notes = line.notes;
        end = line.end;
        return;
    }
    waits_for = line.waits_for;
    // One that ends before it begins says nothing about places.
    if (!line.at) return;
    at = line.at;
    settled = before;
    settled += line.figures;
}

bool command_book::put(const std::string& host, const std::string& id, std::string_view value,
                       std::int64_t revision, std::int64_t now_ms) {
    if (entries_.size() >= most_known && !entries_.contains(key{host, id})) return false;
    const auto [at, fresh] = entries_.try_emplace(key{host, id});
    auto& entry = at->second;
    entry.confirmed = true;
    // What was accepted stays what it was; our own writes come back here too.
    if (entry.now != phase::seen && entry.now != phase::looked) return true;
    if (!fresh && entry.revision == revision) return true;
    entry = {};
    entry.host = host;
    entry.id = id;
    entry.revision = revision;
    entry.show(value);
    auto parsed = parse_command(value, instance_, now_ms);
    if (!parsed) {
        entry.outcome = failure(parsed.error().code, parsed.error().text);
        entry.ended_ms = now_ms;
        return true;
    }
    entry.what = *std::move(parsed);
    entry.accepted_ms = now_ms;
    if (entry.is_replay()) entry.value = value;
    return true;
}

void command_book::removed(const std::string& host, const std::string& id, std::int64_t now_ms) {
    const auto at = entries_.find(key{host, id});
    if (at == entries_.end()) return;
    auto& entry = at->second;
    if (entry.now == phase::seen || entry.now == phase::looked) {
        entries_.erase(at);
        return;
    }
    entry.confirmed = true;
    if (std::exchange(entry.cancelled, true) || running_ == at->first) return;
    if (!entry.outcome) ended(at->first, {}, now_ms);
}

void command_book::complete(const std::string& host, const std::vector<std::string>& ids,
                            std::int64_t now_ms) {
    std::vector<std::string> gone;
    const std::set<std::string_view> there{ids.begin(), ids.end()};
    for (const auto& [which, entry] : entries_)
        if (which.first == host && !there.contains(which.second)) gone.push_back(which.second);
    for (const auto& id : gone)
        removed(host, id, now_ms);
}

std::size_t command_book::waiting() const {
    return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [](auto& one) {
        return one.second.now == phase::accepted && !one.second.outcome;
    }));
}

std::optional<command_book::duty> command_book::due(const command_entry& entry,
                                                    std::int64_t now_ms) const {
    if (!entry.confirmed) return std::nullopt;
    if (entry.now == phase::seen) return duty::look;
    if (entry.outcome) return duty::answer;
    if (entry.now == phase::looked) return entry.is_replay() ? duty::accept : duty::execute;
    const bool runs = running_ && running_->first == entry.host && running_->second == entry.id;
    if (!runs && !running_) return duty::begin;
    if (passed(entry.leased_ms, renew_interval_ms, now_ms)) return duty::renew;
    if (entry.unreported && passed(entry.reported_ms, report_interval_ms, now_ms))
        return duty::report;
    return std::nullopt;
}

std::optional<command_book::task> command_book::next(std::int64_t now_ms) const {
    // What has begun goes on before what waits, else ids stand in the order of time.
    const auto wanted = [&](bool running) -> std::optional<task> {
        for (const auto& [which, entry] : entries_) {
            const auto what = due(entry, now_ms);
            if (!what || (*what == duty::begin && (entry.now == phase::running) != running))
                continue;
            return task{*what, which};
        }
        return std::nullopt;
    };
    auto first = wanted(true);
    return first ? first : wanted(false);
}

std::int64_t command_book::next_at(std::int64_t now_ms) const {
    auto out = std::numeric_limits<std::int64_t>::max();
    for (const auto& [which, entry] : entries_) {
        if (!entry.confirmed) continue;
        if (due(entry, now_ms)) return now_ms;
        out = std::min(out, entry.leased_ms + renew_interval_ms);
        if (entry.unreported) out = std::min(out, entry.reported_ms + report_interval_ms);
    }
    return out;
}

void command_book::looked(const key& which) {
    const auto at = entries_.find(which);
    if (at == entries_.end() || at->second.now != phase::seen) return;
    auto& entry = at->second;
    entry.now = phase::looked;
    if (entry.outcome || !entry.is_replay() || waiting() < most_waiting) return;
    entry.outcome = failure("busy", "as many replays wait for their turn as may; try later");
    entry.ended_ms = entry.accepted_ms;
}

void command_book::accepted(const key& which, std::int64_t lease, std::int64_t now_ms) {
    const auto at = entries_.find(which);
    if (at == entries_.end()) return;
    at->second.now = phase::accepted;
    leased(which, lease, now_ms);
    reported(which, now_ms);
}

void command_book::leased(const key& which, std::int64_t lease, std::int64_t now_ms) {
    const auto at = entries_.find(which);
    if (at == entries_.end()) return;
    at->second.lease = lease;
    at->second.leased_ms = now_ms;
}

void command_book::began(const key& which, std::int64_t now_ms) {
    const auto at = entries_.find(which);
    if (at == entries_.end()) return;
    auto& entry = at->second;
    entry.now = phase::running;
    entry.replay.process_begins();
    if (entry.started_ms == 0) entry.started_ms = now_ms;
    entry.unreported = true;
    entry.reported_ms = 0;  // a new state is told at once
    running_ = which;
}

void command_book::told(const key& which, const replay_line& line) {
    const auto at = entries_.find(which);
    if (at == entries_.end()) return;
    at->second.replay.take(line);
    at->second.unreported = true;
}

void command_book::reported(const key& which, std::int64_t now_ms) {
    const auto at = entries_.find(which);
    if (at == entries_.end()) return;
    at->second.unreported = false;
    at->second.reported_ms = now_ms;
}

void command_book::ended(const key& which, command_outcome outcome, std::int64_t now_ms) {
    if (running_ == which) running_.reset();
    const auto at = entries_.find(which);
    if (at == entries_.end()) return;
    auto& entry = at->second;
    if (entry.cancelled && !outcome.good) outcome = failure("cancelled", "the command was deleted");
    entry.outcome = std::move(outcome);
    entry.ended_ms = now_ms;
}

void command_book::suspended(const key& which) {
    if (running_ == which) running_.reset();
}

const command_entry* command_book::find(const key& which) const {
    const auto at = entries_.find(which);
    return at == entries_.end() ? nullptr : &at->second;
}

}  // namespace logagent::agent
