#include <algorithm>
#include <cstring>

#include "logagent/tail/tailer.hpp"
#include "nuls.hpp"

// How what was read is cut into records. A run that is sent again is cut in the same way.

namespace logagent::tail {

namespace {

using delivery::closing;
using delivery::encoding;
using delivery::run;

// Frames of one run: enough to fill a request, little enough for one turn of the loop.
constexpr std::size_t most_frames = 8192;

}  // namespace

delivery::record_builder::origin tailer::origin(const moment& now) const {
    return {&target_->target, &target_->filter,       shared_.host, generation_.path,
            &generation_.id,  topic_->record_limit(), now.wall_ms};
}

std::uint64_t tailer::build(run& into, std::uint64_t lines, std::uint64_t bytes, closing close,
                            const moment& now) {
    shared_.builder.begin(origin(now), into);
    shared_.built = {};
    if (into.text_size == 0) {
        shared_.built.skipped = into.end - into.begin;
        shared_.builder.skip(shared_.built.skipped);
        return into.end;
    }
    if (into.text_size != into.end - into.begin) {
        build_cut(into);
        return into.end;
    }
    // Chosen once for the whole run: a line of the usual kind costs nothing of the others.
    return is_plain() ? build_plain(into, lines, bytes, close)
                      : build_framed(into, lines, bytes, close);
}

std::uint64_t tailer::build_plain(run& into, std::uint64_t lines, std::uint64_t bytes,
                                  closing close) {
    auto& builder = shared_.builder;
    delivery::line next;
    next.inside = into.inside;
    const char* at = into.text;
    const char* const stop = into.text + into.text_size;
    std::uint64_t offset = into.begin;
    const auto made = [&] { return builder.records().size() + builder.dead_letters().size(); };
    while (at < stop && made() < lines && offset - into.begin < bytes) {
        const auto left = static_cast<std::size_t>(stop - at);
        if (*at == '\0' && !next.inside) [[unlikely]] {
            // Passed over once something follows: it may be room that is still to be written to.
            const std::size_t nuls = leading_nuls({at, left});
            if (nuls == left && close != closing::last) break;
            builder.skip(nuls);
            shared_.built.skipped += nuls;
            at += nuls;
            offset += nuls;
            continue;
        }
        const char* const found = static_cast<const char*>(std::memchr(at, '\n', left));
        if (!found && close != closing::last) {
            if (close != closing::full || offset > into.begin) break;
            next.text = at;
            next.size = static_cast<std::uint32_t>(builder.piece({at, left}));
            next.begin = offset;
            next.end = offset + next.size;
            shared_.built.inside = true;
            if (builder.add(next)) offset = next.end;
            break;
        }
        const std::size_t size = found ? static_cast<std::size_t>(found - at) : left;
        const std::size_t whole = size + (found ? 1 : 0);
        next.text = at;
        next.size = static_cast<std::uint32_t>(size);
        next.begin = offset;
        next.end = offset + whole;
        if (!builder.add(next)) break;
        next.inside = false;
        at += whole;
        offset += whole;
    }
    shared_.built.last_line = next;
    return offset;
}

delivery::framing::input tailer::framed(const run& of, closing close) const {
    delivery::framing::input given;
    given.rules = &target_->rules;
    given.as = encoded();
    given.text = {of.text, of.text_size};
    given.offset = of.begin;
    given.limit = shared_.builder.value_limit();
    given.close = close;
    given.inside = of.inside;
    given.most = most_frames;
    return given;
}

std::uint64_t tailer::build_framed(run& into, std::uint64_t lines, std::uint64_t bytes,
                                   closing close) {
    auto& builder = shared_.builder;
    auto& framing = shared_.framing;
    auto given = framed(into, close);
    given.most = std::min(given.most, lines);
    framing.cut(given);
    std::uint64_t offset = into.begin;
    const auto made = [&] { return builder.records().size() + builder.dead_letters().size(); };
    bool joint = false;  // the run cannot end in front of the frame
    for (const auto& each : framing.frames()) {
        if (!joint && (made() >= lines || offset - into.begin >= bytes)) break;
        if (each.gap) {
            builder.skip(each.end - each.begin);
            shared_.built.skipped += each.end - each.begin;
        } else {
            shared_.built.last_line = line_of(each);
            if (!builder.add(shared_.built.last_line, joint)) break;
            shared_.built.undecodable += each.undecodable;
        }
        joint = each.until == 0;
        if (!joint) offset = each.until;
    }
    shared_.built.inside = framing.ends_inside() && offset == framing.end();
    return offset;
}

delivery::line tailer::line_of(const delivery::frame& from) const {
    delivery::line made;
    made.text = shared_.framing.text_of(from).data();
    made.size = from.size;
    made.begin = from.begin;
    made.end = from.end;
    made.foreign = from.foreign;
    made.passing = from.text == nullptr;
    made.decoded = !from.verbatim;
    made.inside = from.inside;
    return made;
}

/// A single line of which only the beginning is in memory.
void tailer::build_cut(run& into) {
    const std::uint64_t missing = into.end - into.begin - into.text_size;
    delivery::line whole{into.text, into.text_size, into.begin, into.end};
    const auto decode = target_->rules.decode();
    if (decode != fleet::decode_kind::none || encoded() != encoding::bytes) {
        auto given = framed(into, closing::idle);
        given.grouped = false;
        shared_.framing.cut(given);
        if (shared_.framing.frames().empty()) {
            given.close = closing::last;
            shared_.framing.cut(given);
        }
        if (!shared_.framing.frames().empty()) {
            whole = line_of(shared_.framing.frames().front());
            whole.begin = into.begin;
            whole.end = into.end;
        }
        whole.decoded = true;
        whole.foreign = 0;
        whole.cut = missing;
    } else {
        // The line end is no byte of the line.
        whole.cut = missing - (accept_partial_ ? 0 : 1);
    }
    shared_.builder.add(whole);
    shared_.built.last_line = whole;
}

}  // namespace logagent::tail
