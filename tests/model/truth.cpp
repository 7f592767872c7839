#include "truth.hpp"

namespace logagent::test {

namespace {

std::string shortened(const std::string& text) {
    return text.size() <= 40 ? text : text.substr(0, 37) + "...";
}

/// The number of a text, which is where it begins.
std::string first_characters(std::string_view text) {
    const auto dot = text.find('.');
    return std::string{text.substr(0, dot)};
}

}  // namespace

std::string truth::describe(const line& which) const {
    const life& in = lives.at(which.life);
    return "'" + shortened(which.text) + "', bytes " + std::to_string(which.begin) + " to " +
           std::to_string(which.end) + " of life " + std::to_string(which.life) + " of " + in.log;
}

std::size_t truth::born(const std::string& log, std::shared_ptr<fake_disk::node> file,
                        const shape& of) {
    life fresh;
    fresh.shape = of;
    fresh.log = log;
    fresh.file = std::move(file);
    lives.push_back(std::move(fresh));
    return lives.size() - 1;
}

std::string truth::new_text(std::size_t size, const shape& of) {
    if (size == 0 && !of.keeps_blank) return " ";
    const auto serial = next_serial_++;
    if (size == 0) {
        std::string blank{"\t"};
        for (auto rest = serial; rest > 0; rest /= 2)
            blank += rest % 2 == 0 ? ' ' : '\t';
        return blank;
    }
    // The number stands everywhere in it, so that no two pieces of different lines are equal.
    const std::string number = std::to_string(serial) + ".";
    std::string text = of.grouped && serial % 3 != 0 ? "+" : "";
    do
        text += number;
    while (text.size() < size);
    return text;
}

bool truth::is_filtered(const std::string& text) {
    const auto dot = text.find('.');
    return dot != std::string::npos && dot > 0 && (text[dot - 1] == '3' || text[dot - 1] == '9');
}

void truth::wrote(std::size_t at, std::string text, std::string_view end, std::size_t before) {
    life& in = lives.at(at);
    line added;
    added.life = at;
    added.begin = in.lines.empty() ? 0 : lines[in.lines.back()].end;
    added.blank = !in.shape.keeps_blank && text.find_first_not_of(" \t") == std::string::npos;
    added.filtered = in.shape.filtered && !added.blank && is_filtered(text);
    added.unended = end.empty();
    added.excused = in.unwanted;
    added.crashes = crashes;
    in.bytes.append(text, before);
    added.text_end = in.bytes.size();
    added.text_begin = added.text_end - text.size();
    in.bytes += end;
    added.end = in.bytes.size();
    added.text = std::move(text);
    if (!added.blank) by_text_.emplace(first_characters(added.text), lines.size());
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
        // Of a line that is split the pieces that were not read yet are gone.
        const bool split = in.shape.oversize == fleet::oversize_policy::split;
        const bool in_memory = held && !split && each.sent && each.sent_in == readings_[in.log];
        if (each.at.empty() && !each.buried && !in_memory) each.excused = true;
    }
}

void truth::leave_out(std::size_t at) {
    lost(at, false);
    for (const std::size_t index : lives.at(at).lines)
        lines[index].left_out = true;
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
    std::map<std::string, std::vector<checkpoint::range>> behind_holes;
    for (const auto& [key, position] : kept.positions) {
        auto& to = committed[key.first.text()];
        to = std::max(to, position.committed());
        if (position.done.size() > 1)
            behind_holes[key.first.text()].assign(position.done.begin() + 1, position.done.end());
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
            bool settled = one.end <= to;
            if (to > 0 || found != committed.end())
                for (const auto& range : behind_holes[each.generation])
                    settled = settled || (range.begin <= one.begin && one.end <= range.end);
            if (!settled || generations_may_be_lost || unordered.contains(each.log))
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
    return which.blank || which.filtered || which.excused || which.buried || !which.at.empty();
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
        const line& next = lines[in.lines[seen.lines]];
        if (next.end > committed && in.shape.oversize == fleet::oversize_policy::split) {
            if (!next.in_kafka.cover(next.text_begin, committed) && !next.excused)
                throw broken_promise{"committed and not stored: the first piece of " +
                                     describe(next)};
            if (counts) check_counts(in, seen, committed - next.begin, *counts);
            return;
        }
        if (!acceptable(next)) throw broken_promise{"committed and not stored: " + describe(next)};
        ++seen.lines;
        seen.to = next.end;
        (next.blank      ? seen.blank
         : next.filtered ? seen.filtered
                         : seen.sent) += next.end - next.begin;
        seen.cut += next.cut;
        if (next.cut > 0 && next.end - next.text_end > 1) ++seen.returns;
    }
    if (seen.to != committed)
        throw broken_promise{"committed in the middle of a line, at " + std::to_string(committed) +
                             " of life " + std::to_string(at) + " of " + in.log};
    if (counts) check_counts(in, seen, 0, *counts);
}

void truth::check_counts(const life& in, const progress& seen, std::uint64_t partly,
                         const checkpoint::byte_counts& counts) const {
    using checkpoint::byte_class;
    const auto count = [&](byte_class what) { return counts[static_cast<std::size_t>(what)]; };
    // A blank line may be one of a group, or not.
    if (count(byte_class::skipped_at_start) > 0 || in.hole || in.shape.grouped) return;
    const auto check = [&](std::string_view what, std::uint64_t found, std::uint64_t least,
                           std::uint64_t more = 0) {
        if (found >= least && found <= least + more) return;
        throw broken_promise{"the counts of life " + std::to_string(&in - lives.data()) + " of " +
                             in.log + " have " + std::to_string(found) + " bytes " +
                             std::string{what} + " instead of " + std::to_string(least)};
    };
    check("blank", count(byte_class::blank), seen.blank);
    check("filtered", count(byte_class::filtered), seen.filtered);
    check("cut", count(byte_class::cut), seen.cut, seen.returns);
    check("sent or buried",
          count(byte_class::acked) + count(byte_class::dead_letter) + count(byte_class::cut),
          seen.sent + partly);
}

void truth::check_settled(const std::string& generation, const checkpoint::range& where) {
    const std::size_t at = life_of(generation);
    if (at == none) return;
    const life& in = lives[at];
    const auto inside = [&](std::uint64_t offset, const line& which) {
        return which.begin < offset && offset < which.end && !in.hole;
    };
    for (const std::size_t index : in.lines) {
        const line& each = lines[index];
        if (inside(where.begin, each) || inside(where.end, each))
            throw broken_promise{"a range ends in the middle of a line: " + describe(each)};
        if (each.begin < where.begin || each.end > where.end) continue;
        if (!acceptable(each)) throw broken_promise{"settled and not stored: " + describe(each)};
    }
}

bool truth::jumped_between(const line& one, const line& next) const {
    for (const auto& name : lives[next.life].names) {
        const auto found = jumps.find(name);
        if (found == jumps.end()) continue;
        const auto to = found->second.lower_bound(one.end);
        if (to != found->second.end() && *to <= next.begin) return true;
    }
    return false;
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
            // A later file does not wait for the holes of an earlier one.
            if (!same && jumping.contains(lives[each.life].log)) continue;
            const bool crashed = other.which->crashes != each.crashes_at_last_copy ||
                                 other.which->crashes_at_last_copy != each.crashes_at_last_copy;
            // What is gone after a crash or a stop of its target cannot be sent again to mend the
            // order.
            const life& in = lives[each.life];
            // Nor is what a target leaves out whose records a power cut took: it is applied as if
            // for the first time, at the end of what a former process had begun to send again.
            const bool mended =
                (crashes == 0 && !in.stopped) || !(in.gone() || in.unwanted || each.left_out);
            const bool jumped = same && jumped_between(*other.which, each);
            if (other.last > here && !jumped && (same ? mended : !crashed))
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
