#include "selftest/ledger.hpp"

#include <algorithm>
#include <utility>

#include "logagent/base/escape.hpp"

namespace logagent::selftest {

namespace {

constexpr std::size_t lives_in_full = 32;  // a second copy comes soon after the first
constexpr std::size_t most_findings = 10;

}  // namespace

tally& tally::operator+=(const tally& more) {
    written += more.written;
    delivered += more.delivered;
    after_kill += more.after_kill;
    after_outage += more.after_outage;
    otherwise += more.otherwise;
    other_id += more.other_id;
    cut += more.cut;
    lost += more.lost;
    return *this;
}

ledger::ledger(std::string run, std::uint32_t writers) : run_{std::move(run)}, logs_(writers) {
    for (auto& log : logs_)
        log.lives.emplace_back();
}

void ledger::count(std::uint32_t writer, std::uint64_t tally::*what, std::uint64_t change) {
    logs_[writer].counts.*what += change;
    sum_.*what += change;
}

line_id ledger::next(std::uint32_t writer) const {
    const auto& log = logs_[writer];
    return {writer, log.lives.back().number, log.lines_written, log.lives.back().size};
}

void ledger::written(std::uint32_t writer) {
    const auto id = next(writer);
    auto& life = logs_[writer].lives.back();
    const auto size = static_cast<std::uint32_t>(text(id).size() + 1);
    life.lines.push_back({life.size, size});
    life.size += size;
    ++life.lines_written;
    ++life.open;
    ++logs_[writer].lines_written;
    missing_bytes_ += size;
    count(writer, &tally::written);
}

void ledger::rotated(std::uint32_t writer) {
    auto& log = logs_[writer];
    life_state next;
    next.number = log.lives.back().number + 1;
    next.first_line = log.lines_written;
    log.lives.push_back(std::move(next));
    forget_old_lives(log);
}

void ledger::truncated(std::uint32_t writer, std::uint64_t copied) {
    auto& life = logs_[writer].lives.back();
    for (auto line = life.lines.rbegin(); line != life.lines.rend(); ++line) {
        if (line->start + line->size <= copied) break;
        line->cut = true;
        if (line->seen) continue;
        --life.open;
        missing_bytes_ -= line->size;
        count(writer, &tally::cut);
    }
    rotated(writer);
}

void ledger::forget_old_lives(log_state& of) {
    if (of.lives.size() <= lives_in_full) return;
    auto& old = of.lives[of.lives.size() - lives_in_full - 1];
    for (auto at = of.lives.begin(); at != of.lives.end() && at->number <= old.number; ++at)
        if (at->open == 0) std::vector<line_state>{}.swap(at->lines);
}

void ledger::took(std::string_view key, std::string_view value, std::uint32_t agent) {
    const auto id = read_line(run_, value);
    if (!id) return torn("is no line that was written", key, value);
    const auto named = read_key(key);
    if (!named) return torn("has a key that cannot be read", key, value);
    if (id->writer >= logs_.size() || id->life == 0 || id->life > logs_[id->writer].lives.size())
        return torn("is a line that was not written yet", key, value);
    auto& life = logs_[id->writer].lives[id->life - 1];
    const auto index = id->number - life.first_line;
    if (id->number < life.first_line || index >= life.lines_written)
        return torn("is a line that was not written yet", key, value);
    if (named->start != id->start || named->end != id->start + value.size() + 1)
        return torn("has a key that names other bytes", key, value);
    const place here{id->writer, id->life};
    const auto [owner, fresh] = generations_.try_emplace(named->generation, here);
    if (!fresh && owner->second != here)
        return torn("has the generation of another file", key, value);
    if (life.generation.empty()) life.generation = named->generation;

    const auto last_agent = std::exchange(life.agent, std::max(life.agent, agent));
    auto* found = life.lines.empty() ? nullptr : &life.lines[index];
    if (found && found->start != id->start) return torn("was written at another place", key, value);
    if (found && !found->seen)
        first_copy(*id, life, *found, agent);
    else if (life.generation != named->generation)
        other_id(*id, life, *named, fresh);
    else
        further_copy(*id, found ? found->agent : last_agent, agent);
}

void ledger::other_id(const line_id& id, const life_state& life, const record_key& named,
                      bool fresh) {
    count(id.writer, &tally::other_id);
    if (fresh && other_ids_.size() < most_findings)
        other_ids_.push_back("file no. " + std::to_string(id.life) + " was generation " +
                             life.generation + ", came again as " + named.generation + " from " +
                             std::to_string(named.start));
}

void ledger::first_copy(const line_id& id, life_state& life, line_state& found,
                        std::uint32_t agent) {
    found.seen = true;
    found.agent = static_cast<std::uint16_t>(agent);
    count(id.writer, &tally::delivered);
    if (found.cut) return count(id.writer, &tally::cut, std::uint64_t(-1));  // read in time
    --life.open;
    missing_bytes_ -= found.size;
}

void ledger::further_copy(const line_id& id, std::uint32_t first_agent, std::uint32_t agent) {
    count(id.writer, first_agent != agent ? &tally::after_kill
                     : outages_ > 0       ? &tally::after_outage
                                          : &tally::otherwise);
}

void ledger::torn(std::string why, std::string_view key, std::string_view value) {
    ++torn_;
    if (torn_text_.size() < most_findings)
        torn_text_.push_back("a record " + why + ": key " + base::visible(key, 160) + ", value " +
                             base::visible(value, 100));
}

bool ledger::complete(std::uint32_t writer, std::uint32_t life) const {
    return logs_[writer].lives[life - 1].open == 0;
}

bool ledger::reached(std::uint32_t writer, std::uint32_t agent) const {
    const auto& life = logs_[writer].lives.back();
    return life.lines_written > 0 && !life.generation.empty() && life.agent == agent;
}

verdict ledger::judge() const {
    verdict out;
    for (std::uint32_t writer = 0; writer < logs_.size(); ++writer) {
        auto& counts = out.writers.emplace_back(logs_[writer].counts);
        for (const auto& life : logs_[writer].lives) {
            counts.lost += life.open;
            bool within = false;
            for (std::size_t at = 0; life.open > 0 && at < life.lines.size(); ++at) {
                const auto& line = life.lines[at];
                const bool gone = !line.seen && !line.cut;
                const auto number = life.first_line + at;
                const auto end = line.start + line.size;
                if (gone && within) {
                    out.lost.back().last = number;
                    out.lost.back().end = end;
                } else if (gone && out.lost.size() < most_findings) {
                    out.lost.push_back({writer, life.number, number, number, line.start, end});
                    within = true;
                }
                if (!gone) within = false;
            }
        }
        out.sum += counts;
    }
    out.torn = torn_;
    out.torn_text = torn_text_;
    out.other_ids = other_ids_;
    return out;
}

}  // namespace logagent::selftest
