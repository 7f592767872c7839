#include "logagent/delivery/framing.hpp"

#include <algorithm>
#include <cstring>

#include "delivery/container_line.hpp"
#include "logagent/delivery/utf16.hpp"

namespace logagent::delivery {

namespace {

// More than this is not kept for the next call.
constexpr std::size_t most_spare = 4 << 20;
// A piece leaves as many bytes as a line end may need, so that no piece is nothing but one.
constexpr std::size_t left_over = 8;

bool begins_with_mark(std::string_view text) noexcept {
    return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
}

void forget(std::string& text) {
    if (text.capacity() > most_spare) text = {};
    text.clear();
}

std::string_view without_return(std::string_view line) noexcept {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

}  // namespace

std::optional<encoding> encoding_of(const fleet::log_target& target, std::string_view head) {
    if (target.decode != fleet::decode_kind::none) return encoding::bytes;
    if (head.starts_with("\xff\xfe")) return encoding::utf16le;
    if (head.starts_with("\xfe\xff")) return encoding::utf16be;
    if (head.empty() || head == "\xff" || head == "\xfe") return std::nullopt;
    if (target.charset == fleet::charset_kind::utf16le) return encoding::utf16le;
    if (target.charset == fleet::charset_kind::utf16be) return encoding::utf16be;
    return encoding::bytes;
}

void framing::cut(const input& from) {
    from_ = from;
    at_ = 0;
    inside_ = from.inside;
    frames_.clear();
    whole_ = 0;
    emitted_ = 0;
    end_ = from.offset;
    ends_inside_ = false;
    for (auto& each : parts_) {
        each.open = false;
        forget(each.text);
    }
    group_.lines = 0;
    forget(group_.joined);
    forget(kept_);
    forget(scratch_);
    forget(decoded_);

    while (at_ < from_.text.size() && whole_ < from_.most && next_line())
        mark(offset_of(at_));
    if (from_.close != closing::none && whole_ < from_.most) {
        if (from_.close != closing::groups) close_joined();
        close_group();
        mark(offset_of(at_));
        if (from_.close == closing::full && whole_ == 0) force();
    }
    waits_ = {};
    waits_.group = group_.lines > 0;
    for (const auto& each : parts_) {
        if (!each.open) continue;
        waits_.joined_from = waits_.joined ? std::min(waits_.joined_from, each.begin) : each.begin;
        waits_.joined = true;
    }
    frames_.resize(whole_);
}

/// Takes one line of the file, or what is in front of it. False: it is not complete.
bool framing::next_line() {
    if (!inside_ && skip_front(at_)) return true;
    const auto& text = from_.text;
    const bool last = from_.close == closing::last;
    if (!inside_ && nuls(at_) == text.size() - at_ && !last) return false;
    std::size_t to = text.npos;
    std::size_t after = 0;
    if (from_.as == encoding::bytes) {
        to = text.find('\n', at_);
        after = to + 1;
    } else {
        to = utf16::find_line_end(text, at_, from_.as);
        after = to + 2;
    }
    if (to == text.npos) {
        if (!last) return false;
        to = after = text.size();
    }
    take(at_, to, after);
    at_ = after;
    inside_ = false;
    return true;
}

/// NUL bytes in front of a line are no text: a writer that does not append leaves them after its
/// file was truncated, a crash leaves them too. Only what is followed by something is passed over:
/// a file may be laid out with NULs that are still to be written over.
std::size_t framing::nuls(std::size_t at) const noexcept {
    const auto& text = from_.text;
    if (text[at] != '\0') return 0;
    const auto end = std::min(text.find_first_not_of('\0', at), text.size());
    const std::size_t size = end - at;
    return from_.as == encoding::bytes || end == text.size() ? size : size / 2 * 2;
}

bool framing::skip_front(std::size_t at) {
    const auto& text = from_.text;
    std::size_t size = 0;
    if (from_.as != encoding::bytes) {
        if (offset_of(at) == 0 && begins_with_mark(text)) size = 2;
        if (offset_of(at) % 2 != 0) size = 1;  // begun within a unit: the end of what was there
    }
    if (size == 0) {
        size = nuls(at);
        // In UTF-16 big endian the first byte of the line belongs to the run of NULs.
        if (size == text.size() - at && from_.close != closing::last) return false;
    }
    if (size == 0) return false;
    close_joined();
    close_group();
    mark(offset_of(at));
    frame gap;
    gap.begin = offset_of(at);
    gap.end = gap.begin + size;
    gap.gap = true;
    frames_.push_back(gap);
    emitted_ += size;
    at_ = at + size;
    return true;
}

void framing::take(std::size_t from, std::size_t to, std::size_t after) {
    logical line;
    line.begin = offset_of(from);
    line.end = offset_of(after);
    line.own = after - from;
    line.inside = inside_;
    line.text = from_.text.substr(from, to - from);
    line.in_file = line.verbatim = from_.as == encoding::bytes;
    if (!line.in_file) {
        scratch_.clear();
        utf16::append_utf8(scratch_, line.text, from_.as);
        line.text = scratch_;
    }
    container_line read;
    if (from_.rules->decode() == fleet::decode_kind::none || line.inside) {
        complete(line);
    } else if (read_container_line(from_.rules->decode(), line.text, read, decoded_)) {
        line.in_file = from_.rules->decode() == fleet::decode_kind::cri;
        line.verbatim = false;
        part(parts_[read.stream], read.content, read.complete, line);
    } else {
        line.undecodable = 1;
        complete(line);
    }
}

void framing::part(parts& of, std::string_view content, bool is_last, const logical& whole) {
    logical line = whole;
    line.text = content;
    if (!of.open) {
        if (is_last) return complete(line);
        of.open = true;
        of.begin = whole.begin;
        of.own = 0;
        of.text.clear();
    }
    of.text += content;
    of.own += whole.own;
    of.end = whole.end;
    if (!is_last) return;
    of.open = false;
    line.text = of.text;
    line.begin = of.begin;
    line.own = of.own;
    line.in_file = false;
    complete(line);
}

void framing::complete(const logical& line) {
    if (!from_.rules->groups() || !from_.grouped || line.inside) return emit(line);
    join(line);
}

void framing::join(const logical& line) {
    auto& all = group_.all;
    const std::size_t together = all.text.size() + 1 + line.text.size();
    if (group_.lines > 0 &&
        (together > from_.limit || from_.rules->begins_group(without_return(line.text))))
        close_group();
    if (group_.lines == 0) {
        all = line;
        if (!line.in_file) {
            group_.joined.assign(line.text);
            all.text = group_.joined;
        }
    } else {
        if (all.verbatim && line.verbatim && all.end == line.begin) {
            const char* const end = line.text.data() + line.text.size();
            all.text = {all.text.data(), static_cast<std::size_t>(end - all.text.data())};
        } else {
            if (all.in_file) group_.joined.assign(all.text);
            group_.joined += '\n';
            group_.joined += line.text;
            all.text = group_.joined;
            all.in_file = all.verbatim = false;
        }
        all.begin = std::min(all.begin, line.begin);
        all.end = std::max(all.end, line.end);
        all.own += line.own;
        all.undecodable += line.undecodable;
    }
    if (++group_.lines >= from_.rules->most_lines()) close_group();
}

void framing::emit(const logical& line) {
    frame made;
    made.size = static_cast<std::uint32_t>(line.text.size());
    made.begin = line.begin;
    made.end = line.end;
    made.foreign = line.end - line.begin - line.own;
    made.undecodable = line.undecodable;
    made.verbatim = line.verbatim;
    made.inside = line.inside;
    if (line.in_file) {
        made.text = line.text.data();
    } else {
        made.kept_at = kept_.size();
        kept_ += line.text;
    }
    frames_.push_back(made);
    emitted_ += line.own;
}

void framing::close_group() {
    if (group_.lines == 0) return;
    group_.lines = 0;
    emit(group_.all);
}

void framing::close_joined() {
    for (;;) {
        parts* first = nullptr;
        for (auto& each : parts_)
            if (each.open && (!first || each.begin < first->begin)) first = &each;
        if (!first) return;
        first->open = false;
        logical line;
        line.text = first->text;
        line.begin = first->begin;
        line.end = first->end;
        line.own = first->own;
        complete(line);
    }
}

/// Everything in front of `next` was looked at: if nothing of it waits, a run may end where the
/// first thing that waits begins.
void framing::mark(std::uint64_t next) {
    if (frames_.size() == whole_) return;
    std::uint64_t open = next;
    if (group_.lines > 0) open = std::min(open, group_.all.begin);
    for (const auto& each : parts_)
        if (each.open) open = std::min(open, each.begin);
    if (from_.offset + emitted_ != open) return;
    frames_.back().until = open;
    whole_ = frames_.size();
    end_ = open;
}

/// The front of a line that is longer than the text.
void framing::force() {
    const auto& text = from_.text;
    if (text.size() - at_ <= left_over) return;
    std::size_t size = text.size() - at_ - left_over;
    container_line read;
    const bool cri = !inside_ && from_.rules->decode() == fleet::decode_kind::cri &&
                     read_cri(text.substr(at_), read);
    const std::size_t header =
        cri ? static_cast<std::size_t>(read.content.data() - text.data()) - at_ : 0;
    if (from_.as == encoding::bytes) {
        size = std::min<std::size_t>(size, header + std::max<std::uint64_t>(from_.limit, 1));
        for (int back = 0; back < 3 && size > header + 1; ++back, --size)
            if ((static_cast<unsigned char>(text[at_ + size]) & 0xc0) != 0x80) break;
    } else {
        size = utf16::whole_characters(text.substr(at_, size), from_.as);
    }
    take(at_, at_ + size, at_ + size);
    close_joined();
    close_group();
    at_ += size;
    mark(offset_of(at_));
    ends_inside_ = true;
}

}  // namespace logagent::delivery
