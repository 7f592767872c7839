#include <boost/json/parse.hpp>

#include "logagent/delivery/retry_class.hpp"
#include "truth.hpp"

// What the agent sends and the cluster says about it, held against what was written.

namespace logagent::test {

namespace {

using fleet::oversize_policy;

std::string shortened(const std::string& text) {
    return text.size() <= 40 ? text : text.substr(0, 37) + "...";
}

bool is_letter(const stored_record& record) {
    return record.topic.ends_with(".dead");
}

std::uint64_t number_at(std::string_view text) {
    std::uint64_t number = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') break;
        number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return number;
}

/// What a value may have beside such a key, as the product's documents say: the limit less the
/// longest key and 128 bytes.
std::size_t value_limit(std::size_t key_prefix) {
    constexpr std::size_t longest_offsets = 2 * 20 + 2;
    return truth::longest_line - 128 - key_prefix - longest_offsets;
}

}  // namespace

void truth::pieces::add(std::uint64_t begin, std::uint64_t end) {
    auto& known = ends_[begin];
    known = std::max(known, end);
}

bool truth::pieces::cover(std::uint64_t begin, std::uint64_t end) const {
    for (const auto& [from, to] : ends_) {
        if (from > begin) break;
        begin = std::max(begin, to);
    }
    return begin >= end;
}

/// Without a parser, since each record is looked at several times.
truth::place truth::place_of(const stored_record& record) const {
    place found;
    const std::string_view key = record.key;
    const auto comma = key.rfind(',');
    const auto before = key.rfind(',', comma - 1);
    const auto name = key.rfind('"', before - 2) + 1;
    if (comma == key.npos || before == key.npos || name == 0)
        throw broken_promise{"a record without a full key: " + record.key};
    found.generation = key.substr(name, before - 1 - name);
    const auto path_end = key.rfind('"', name - 2);
    const auto path = key.rfind('"', path_end - 1) + 1;
    found.path = key.substr(path, path_end - path);
    found.begin = number_at(key.substr(before + 1));
    found.end = number_at(key.substr(comma + 1));
    found.prefix = before + 1;
    found.life = life_by_text(record, found);
    if (found.life == none)
        throw broken_promise{"a record is no line of any file: '" + shortened(record.value) +
                             "', key " + record.key};
    const auto& all = lives[found.life].lines;
    auto at = std::upper_bound(
        all.begin(), all.end(), found.begin,
        [&](std::uint64_t offset, std::size_t index) { return offset < lines[index].end; });
    for (; at != all.end() && lines[*at].begin < found.end; ++at)
        found.lines.push_back(*at);
    if (found.lines.empty())
        throw broken_promise{"a record of bytes that no line has: key " + record.key};
    return found;
}

/// By the number its first line begins with; where it begins within a line, by what stands there.
std::size_t truth::life_by_text(const stored_record& record, const place& of) const {
    const std::string_view value = record.value;
    const auto text = value.find_first_not_of('\0');
    if (text != value.npos) {
        const auto first = value.substr(text, value.find('\n', text) - text);
        const auto known = by_text_.find(std::string{first.substr(0, first.find('.'))});
        if (known != by_text_.end()) {
            const line& begins = lines[known->second];
            const life& in = lives[begins.life];
            if (of.begin <= begins.text_begin && of.begin + text == begins.text_begin &&
                in.log == of.path)
                return begins.life;
        }
    }
    for (std::size_t at = lives.size(); at-- > 0;) {
        const life& in = lives[at];
        if (in.log == of.path && in.bytes.size() >= of.end &&
            in.bytes.compare(of.begin, value.size(), value) == 0)
            return at;
    }
    return none;
}

void truth::check_value(const stored_record& record, const place& of) {
    const life& in = lives[of.life];
    line& first = lines[of.lines.front()];
    line& last = lines[of.lines.back()];
    const auto wrong = [&](const std::string& what) {
        throw broken_promise{what + ": key " + record.key + " of " + describe(first)};
    };
    const auto size = record.value.size();
    if (in.bytes.compare(of.begin, size, record.value) != 0)
        wrong("the value is not what stands in that range");
    const bool from_begin = of.begin == first.begin || (in.hole && of.begin <= first.text_begin);
    const bool to_end = of.end == last.end;
    const auto whole = last.text_end - of.begin;
    const auto limit = value_limit(of.prefix);
    if (in.shape.oversize == oversize_policy::split && is_letter(record)) {
        // Of a piece that was refused, or of the whole line where that was in memory.
        if (of.lines.size() > 1 || size > of.end - of.begin) wrong("the range is not the letter's");
        return;
    }
    if (in.shape.oversize == oversize_policy::split) {
        if (size > limit) wrong("the value is longer than it may be");
        if (of.lines.size() > 1 || of.end != (to_end ? last.end : of.begin + size) ||
            (to_end && size != whole))
            wrong("the range is not that of a piece");
        return;
    }
    if (!from_begin || !to_end) wrong("the range is not the line's");
    if (of.lines.size() > 1 && !in.shape.grouped) wrong("several lines in a record");
    for (std::size_t at = 1; at < of.lines.size(); ++at)
        if (const auto& next = lines[of.lines[at]]; !next.blank && next.text[0] != '+')
            wrong("the line begins a group and is in another: " + describe(next));
    if (!in.shape.oversize || whole <= limit) {
        if (size != whole) wrong("the value is not the whole line");
        last.cut = 0;
    } else if (is_letter(record)) {
        if (size < limit) wrong("the letter has less than a record may have");
        // What stood in memory is in the letter.
        if (size == whole) last.cut = 0;
    } else if (*in.shape.oversize == oversize_policy::dead_letter) {
        wrong("a line that is too long is not a dead letter");
    } else {
        if (size != limit) wrong("the value is not cut at the limit");
        last.cut = whole - size;
    }
}

void truth::check_record(const stored_record& record, const place& of) {
    life& in = lives[of.life];
    const auto wrong = [&](const std::string& what) {
        throw broken_promise{what + ": key " + record.key + " of " +
                             describe(lines[of.lines.front()])};
    };
    const auto parsed = boost::json::parse(record.key);
    const auto& key = parsed.as_array();
    if (key.size() != 6 || key.at(0).as_string() != "h" || key.at(1).as_string() != "s" ||
        key.at(2).as_string() != of.path || key.at(3).as_string() != of.generation ||
        key.at(4).to_number<std::uint64_t>() != of.begin ||
        key.at(5).to_number<std::uint64_t>() != of.end)
        wrong("the key is not as the contract says");
    if (of.path != in.log) wrong("another path in the key");
    check_value(record, of);
    if (in.generation.empty()) {
        if (by_generation_.contains(of.generation)) wrong("the generation of another life");
        in.generation = of.generation;
        in.names.insert(of.generation);
        by_generation_[of.generation] = of.life;
    }
    if (in.generation != of.generation) wrong("a second generation for one life");
}

void truth::taken(const stored_record& record) {
    const auto where = place_of(record);
    check_record(record, where);
    const life& in = lives[where.life];
    for (const std::size_t index : where.lines) {
        line& which = lines[index];
        if (which.filtered) throw broken_promise{"sent and not wanted: " + describe(which)};
        const bool oversize = in.shape.oversize == oversize_policy::dead_letter &&
                              which.text.size() > value_limit(where.prefix);
        if (is_letter(record)) {
            if (!which.refused && !oversize && !which.blank)
                throw broken_promise{"a dead letter that nobody refused: " + describe(which)};
        } else {
            // Of a line that was split only its beginning says that it is sent again.
            const bool begins = where.begin <= which.text_begin;
            if (begins && which.sent && !which.may_repeat)
                throw broken_promise{"sent twice for no reason: " + describe(which)};
            if (begins) which.may_repeat = false;
            ++which.waiting[record.careful];
            which.call = record.call;
            // Sent again it is known when this copy is.
            which.known.erase(record.topic);
            if (begins) which.told = {};
        }
        which.sent = true;
        which.sent_in = readings_[in.log];
    }
}

void truth::stored(const stored_record& record, std::size_t index) {
    const auto where = place_of(record);
    const bool split = lives[where.life].shape.oversize == oversize_policy::split;
    for (const std::size_t one : where.lines) {
        line& which = lines[one];
        const bool letter = is_letter(record);
        if (!letter && which.waiting[record.careful] > 0) --which.waiting[record.careful];
        if (split) which.in_kafka.add(where.begin, where.end);
        if (split && !which.in_kafka.cover(which.text_begin, which.end)) continue;
        if (letter) {
            which.buried = true;
            continue;
        }
        which.at.push_back(index);
        which.crashes_at_last_copy = crashes;
    }
}

void truth::delivered(const stored_record& record, std::uint64_t process) {
    const auto where = place_of(record);
    const auto topic = record.topic.substr(0, record.topic.find('.'));
    for (const std::size_t one : where.lines) {
        line& which = lines[one];
        if (lives[where.life].shape.oversize == oversize_policy::split) {
            if (std::exchange(which.told_in, process) != process) which.told = {};
            which.told.add(where.begin, where.end);
            if (!which.told.cover(which.text_begin, which.end)) continue;
        }
        which.known[topic] = process;
    }
}

void truth::failed(const stored_record& record, kafka::error code) {
    if (is_letter(record)) return;
    const auto where = place_of(record);
    const bool poison = delivery::classify(code) == delivery::retry_class::poison;
    for (const std::size_t one : where.lines) {
        line& which = lines[one];
        if (which.waiting[record.careful] > 0) --which.waiting[record.careful];
        which.refused = which.refused || (poison && record.careful);
    }
    resent(lives[where.life]);
}

bool truth::is_poison(const stored_record& record) const {
    const auto where = place_of(record);
    return std::any_of(where.lines.begin(), where.lines.end(),
                       [&](std::size_t one) { return lines[one].poison; });
}

}  // namespace logagent::test
