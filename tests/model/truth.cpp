#include "truth.hpp"

#include <boost/json/parse.hpp>

#include "logagent/delivery/retry_class.hpp"

namespace logagent::test {

namespace {

std::string shortened(const std::string& text) {
    return text.size() <= 40 ? text : text.substr(0, 37) + "...";
}

}  // namespace

std::string truth::describe(const line& which) const {
    const life& in = lives.at(which.life);
    return "'" + shortened(which.text) + "', bytes " + std::to_string(which.begin) + " to " +
           std::to_string(which.end) + " of life " + std::to_string(which.life) + " of " + in.log;
}

std::size_t truth::born(const std::string& log, std::shared_ptr<fake_disk::node> file) {
    life fresh;
    fresh.log = log;
    fresh.file = std::move(file);
    lives.push_back(std::move(fresh));
    return lives.size() - 1;
}

std::string truth::new_text(std::size_t size) {
    // The number stands everywhere in it, so that no two pieces of different lines are equal.
    const std::string number = std::to_string(next_serial_++) + ".";
    std::string text;
    do
        text += number;
    while (text.size() < size);
    return text;
}

void truth::wrote(std::size_t at, std::string text, std::string_view end, std::size_t before) {
    life& in = lives.at(at);
    line added;
    added.life = at;
    added.begin = in.lines.empty() ? 0 : lines[in.lines.back()].end;
    added.blank = text.find_first_not_of(" \t") == std::string::npos;
    added.unended = end.empty();
    added.excused = in.unwanted;
    added.crashes = crashes;
    in.bytes.append(text, before);
    in.bytes += end;
    added.end = in.bytes.size();
    added.text = std::move(text);
    if (!added.blank) by_text_.emplace(added.text, lines.size());
    in.lines.push_back(lines.size());
    lines.push_back(std::move(added));
}

void truth::wrote_bytes(std::size_t at, std::string_view bytes) {
    lives.at(at).bytes += bytes;
}

void truth::lost(std::size_t at, bool held) {
    const life& in = lives.at(at);
    for (const std::size_t index : in.lines) {
        line& each = lines[index];
        const bool in_memory = held && each.sent && each.sent_in == readings_[in.log];
        if (each.at.empty() && !each.buried && !in_memory) each.excused = true;
    }
}

void truth::leave_out(std::size_t at) {
    lost(at, false);
    for (const std::size_t index : lives.at(at).lines)
        lines[index].left_out = true;
}

truth::line& truth::line_of(const stored_record& record) {
    // A writer without O_APPEND leaves NULs in front of its first line after a truncation.
    const auto text = record.value.find_first_not_of('\0');
    const auto found =
        by_text_.find(text == std::string::npos ? std::string{} : record.value.substr(text));
    if (found == by_text_.end())
        throw broken_promise{"a record is no line of any file: '" + shortened(record.value) +
                             "', key " + record.key};
    return lines[found->second];
}

void truth::check_key(const stored_record& record, line& which) {
    const auto parsed = boost::json::parse(record.key);
    const auto& key = parsed.as_array();
    life& in = lives.at(which.life);
    const std::string generation{key.at(3).as_string()};
    const auto begin = key.at(4).to_number<std::uint64_t>();
    const auto end = key.at(5).to_number<std::uint64_t>();
    const auto wrong = [&](const std::string& what) {
        throw broken_promise{what + ": key " + record.key + " of " + describe(which)};
    };
    if (key.at(2).as_string() != in.log) wrong("another path in the key");
    if (end != which.end || (begin != which.begin && !in.hole))
        wrong("the range is not the line's");
    if (in.bytes.compare(begin, record.value.size(), record.value) != 0)
        wrong("the value is not what stands in that range");
    if (in.generation.empty()) {
        if (by_generation_.contains(generation)) wrong("the generation of another life");
        in.generation = generation;
        by_generation_[generation] = which.life;
    }
    if (in.generation != generation) wrong("a second generation for one life");
}

void truth::taken(const stored_record& record) {
    line& which = line_of(record);
    check_key(record, which);
    const bool letter = record.topic.ends_with(".dead");
    if (letter && !which.refused)
        throw broken_promise{"a dead letter that nobody refused: " + describe(which)};
    if (!letter) {
        if (which.sent && !which.may_repeat)
            throw broken_promise{"sent twice for no reason: " + describe(which)};
        which.may_repeat = false;
        ++which.waiting[record.careful];
    }
    which.sent = true;
    if (!letter) which.call = record.call;
    which.sent_in = readings_[lives[which.life].log];
}

void truth::stored(const stored_record& record, std::size_t index) {
    line& which = line_of(record);
    if (record.topic.ends_with(".dead")) {
        which.buried = true;
        return;
    }
    if (which.waiting[record.careful] > 0) --which.waiting[record.careful];
    which.at.push_back(index);
    which.crashes_at_last_copy = crashes;
}

void truth::delivered(const stored_record& record, std::uint64_t process) {
    if (!record.topic.ends_with(".dead")) line_of(record).known[record.topic] = process;
}

/// Runs are sent again as a whole, from the one with the first failure on; what is committed is
/// not.
void truth::resent(const life& in) {
    const auto seen = checked_.find(in.generation);
    // Several topics have each come to a place of their own.
    const bool known = seen != checked_.end() && !unordered.contains(in.log);
    const std::uint64_t committed = known ? seen->second.to : 0;
    for (const std::size_t index : in.lines)
        if (lines[index].end > committed) lines[index].may_repeat = true;
}

void truth::failed(const stored_record& record, kafka::error code) {
    if (record.topic.ends_with(".dead")) return;
    line& which = line_of(record);
    if (which.waiting[record.careful] > 0) --which.waiting[record.careful];
    const bool poison = delivery::classify(code) == delivery::retry_class::poison;
    which.refused = which.refused || (poison && record.careful);
    resent(lives[which.life]);
}

void truth::abandoned(bool careful) {
    for (line& each : lines) {
        if (std::exchange(each.waiting[careful], 0) == 0) continue;
        resent(lives[each.life]);
    }
}

void truth::begin_reading(const std::string& log) {
    ++readings_[log];
    for (std::size_t at = 0; at < lives.size(); ++at)
        if (lives[at].log == log && lives[at].gone()) lost(at, false);
}

void truth::read_anew(const std::string& log, bool other_topic) {
    begin_reading(log);
    for (life& each : lives) {
        if (each.log != log) continue;
        each.stopped = true;
        resent(each);
        // Each topic has a position of its own, which one that was left and returns to goes on at.
        if (!other_topic) continue;
        for (const std::size_t index : each.lines)
            lines[index].may_repeat = true;
    }
}

void truth::process_ended() {
    for (std::size_t at = 0; at < lives.size(); ++at)
        begin_reading(lives[at].log);
    for (line& each : lines)
        each.waiting[0] = each.waiting[1] = 0;
}

bool truth::known_blank(const life& which, const checkpoint::state& kept) {
    for (const auto& [id, record] : kept.generations) {
        if (id.text() != which.generation) continue;
        const auto head = std::string_view{which.bytes}.substr(0, record.identity.head_size);
        return head.size() < which.bytes.size() &&
               head.find_first_not_of("\r\n\t ") == std::string_view::npos;
    }
    return false;
}

void truth::process_began(const checkpoint::state& kept, bool generations_may_be_lost) {
    std::map<std::string, std::uint64_t> committed;
    for (const auto& [key, position] : kept.positions) {
        auto& to = committed[key.first.text()];
        if (!position.done.empty()) to = std::max(to, position.done.front().end);
    }
    const bool crashed = std::exchange(crashes_at_begin_, crashes) != crashes;
    // The newest records of a generation were not on the disk: an older one, of its empty file, may
    // fit what is there now.
    if (generations_may_be_lost) by_generation_.clear();
    for (life& each : lives) {
        if (each.generation.empty()) continue;
        const auto found = committed.find(each.generation);
        if (found == committed.end()) {
            // What was truncated or deleted is not read again, so its record need not be there.
            if (!generations_may_be_lost && !each.truncated && each.file->links > 0)
                throw broken_promise{"the generation " + each.generation + " of " + each.log +
                                     " was used before it was recorded"};
        }
        // A blank beginning is all that the journal has of it, and that does not tell its copy from
        // another file: the copy is sent from its beginning, as a generation of its own.
        const bool anew = crashed && each.truncated && known_blank(each, kept);
        const std::uint64_t to = anew || found == committed.end() ? 0 : found->second;
        if (anew) {
            by_generation_.erase(each.generation);
            each.generation.clear();
        }
        for (const std::size_t index : each.lines) {
            line& one = lines[index];
            if (one.end > to || generations_may_be_lost || unordered.contains(each.log))
                one.may_repeat = true;
        }
    }
    if (generations_may_be_lost) {
        for (std::size_t at = 0; at < lives.size(); ++at) {
            lives[at].generation.clear();
            // Nobody knows any more what is in there.
            if (std::exchange(lives[at].packed, nullptr) && lives[at].gone()) lost(at, false);
        }
    }
    checked_.clear();
}

std::size_t truth::life_of(const std::string& generation) const {
    const auto found = by_generation_.find(generation);
    return found == by_generation_.end() ? none : found->second;
}

bool truth::acceptable(const line& which) {
    return which.blank || which.excused || which.buried || !which.at.empty();
}

void truth::check_committed(const std::string& generation, std::uint64_t committed,
                            const checkpoint::byte_counts* counts) {
    const std::size_t at = life_of(generation);
    if (at == none) return;  // nothing of it was sent yet
    const life& in = lives[at];
    progress& seen = checked_[generation];
    if (committed < seen.to) seen = {};
    while (seen.to < committed) {
        if (seen.lines >= in.lines.size())
            throw broken_promise{"committed to " + std::to_string(committed) + " of life " +
                                 std::to_string(at) + " of " + in.log + ", where no line ends"};
        // NULs in front of a line are passed over by themselves; only they may be, not the line.
        const auto text_at = in.bytes.find_first_not_of('\0', seen.to);
        if (in.hole && (text_at == std::string::npos || committed <= text_at)) return;
        const line& next = lines[in.lines[seen.lines++]];
        if (!acceptable(next)) throw broken_promise{"committed and not stored: " + describe(next)};
        seen.to = next.end;
        (next.blank ? seen.blank : seen.sent) += next.end - next.begin;
    }
    if (seen.to != committed)
        throw broken_promise{"committed in the middle of a line, at " + std::to_string(committed) +
                             " of life " + std::to_string(at) + " of " + in.log};
    if (!counts) return;
    using checkpoint::byte_class;
    const auto count = [&](byte_class what) { return (*counts)[static_cast<std::size_t>(what)]; };
    if (count(byte_class::skipped_at_start) > 0 || in.hole) return;
    if (count(byte_class::blank) != seen.blank ||
        count(byte_class::acked) + count(byte_class::dead_letter) != seen.sent)
        throw broken_promise{"the ledger of life " + std::to_string(at) + " of " + in.log +
                             " has " + std::to_string(count(byte_class::blank)) +
                             " blank bytes instead of " + std::to_string(seen.blank) + " and " +
                             std::to_string(count(byte_class::acked)) + " acked, " +
                             std::to_string(count(byte_class::dead_letter)) + " buried of " +
                             std::to_string(seen.sent)};
}

void truth::check_complete() const {
    for (const line& each : lines)
        if (!acceptable(each)) throw broken_promise{"lost: " + describe(each)};
    check_order();
}

void truth::check_order() const {
    struct earlier {
        std::size_t life;
        std::size_t last;
        const line* which;
    };
    // Lines in the order of writing; one copy each counts, the last.
    std::map<std::string, std::vector<earlier>> latest;  // of each life of a log
    for (const line& each : lines) {
        // Whether a line without end is whole shows only when the file was quiet for a while.
        if (each.unended || each.buried) continue;
        if (each.at.empty() || unordered.contains(lives[each.life].log)) continue;
        auto& before = latest[lives[each.life].log];
        const std::size_t here = each.at.back();
        bool known = false;
        for (earlier& other : before) {
            // What is written late into an older file has no place among those of the newer.
            if (other.life > each.life) continue;
            const bool same = other.life == each.life;
            const bool crashed = other.which->crashes != each.crashes_at_last_copy ||
                                 other.which->crashes_at_last_copy != each.crashes_at_last_copy;
            // What is gone after a crash or a stop of its target cannot be sent again to mend the
            // order.
            const life& in = lives[each.life];
            // Nor is what a target leaves out whose records a power cut took: it is applied as if
            // for the first time, at the end of what a former process had begun to send again.
            const bool mended =
                (crashes == 0 && !in.stopped) || !(in.gone() || in.unwanted || each.left_out);
            if (other.last > here && (same ? mended : !crashed))
                throw broken_promise{"out of order: " + describe(*other.which) + " behind " +
                                     describe(each)};
            if (!same) continue;
            known = true;
            other.last = here;
            other.which = &each;
        }
        if (!known) before.push_back({each.life, here, &each});
    }
}

}  // namespace logagent::test
