#include <cerrno>
#include <limits>

#include "logagent/tail/tailer.hpp"
#include "nuls.hpp"

// Lines that do not fit into memory, and runs of NULs that do not.

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;
using delivery::chunk_pool;
using delivery::closing;
using delivery::encoding;
using delivery::run;
using os_mode = os::file::read_mode;

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t least_room = 4096;  // of a slice

}  // namespace

/// All memory that a record may take holds a single line, or nothing but NULs.
void tailer::begin_long_line(const run& front) {
    scan_ = std::make_unique<end_search>();
    scan_->nuls = leading_nuls({front.text, front.text_size}) == front.text_size;
    const auto& rules = target_->rules;
    // What was looked at holds no line end; only formats have to be read from the beginning.
    const bool again = rules.decode() != fleet::decode_kind::none;
    const std::uint64_t known =
        front.text_size - (encoded() == encoding::bytes ? 0 : front.end % 2);
    scan_->line.start(rules, encoded(), front.begin + (again && !scan_->nuls ? 0 : known));
    scan_->to = scan_->line.position();
    scan_->nul_end = front.text[front.text_size - 1] == '\0';
}

// A line that does not fit into memory: its end is looked for in slices, then its beginning is
// read.
wish tailer::long_line(const moment& now, delivery::lane& to) {
    held_.reset();
    end_search& scan = *scan_;
    delivery::chunk_ref chunk = shared_.shared_chunk;
    if (target_->rules.decode() != fleet::decode_kind::none) {
        chunk = shared_.chunks.allocate(2 * delivery::longest_container_line);
    } else if (!chunk || chunk->room().size() < least_room) {
        chunk = shared_.shared_chunk = shared_.chunks.allocate(chunk_pool::small);
    }
    const auto room = chunk->room();
    const auto got = file_->read({}, room, scan.to, os_mode::cached);
    if (got == -EAGAIN) {
        file_->will_need(scan.to, 1 << 20);
        return {wish::what::at, now.steady + 2ms};
    }
    if (got < 0) return read_failed(now, static_cast<int>(-got));
    const std::string_view slice{room.data(), static_cast<std::size_t>(got)};
    saw(scan.to + slice.size());
    if (scan.nuls) return long_nuls(now, to, slice);
    if (slice.empty()) {
        if (accept_partial_) return long_line_read(now, to, scan.to);
        // NULs may be written over: then the end of the line is where it was looked for before.
        if (scan.nul_end) stop_scanning();
        return at_end(now);
    }
    scan.nul_end = slice.back() == '\0';
    const bool last = accept_partial_ && scan.to + slice.size() >= file_size();
    const bool found = scan.line.feed(slice, last);
    const bool moved = scan.line.position() > scan.to;
    scan.to = scan.line.position();
    if (found) return long_line_read(now, to, scan.to);
    if (!moved) {
        if (file_size() <= scan.to + slice.size()) return at_end(now);
        // Only the cache ends here.
        file_->will_need(scan.to, 1 << 20);
        return {wish::what::at, now.steady + 2ms};
    }
    return {wish::what::again};
}

/// NULs up to what comes behind them; that a writer writes over them is noticed.
wish tailer::long_nuls(const moment& now, delivery::lane& to, std::string_view slice) {
    const std::uint64_t offset = window_.end();
    char first = 0;
    if (file_->read({}, {&first, 1}, offset, os_mode::cached) == 1 && first != '\0') {
        stop_scanning();
        return {wish::what::again};
    }
    const std::size_t more = leading_nuls(slice);
    std::uint64_t end = scan_->to + more;
    if (more == slice.size()) {
        scan_->to = end;
        if (!slice.empty()) return {wish::what::again};
        if (!accept_partial_) return at_end(now);
    } else if (encoded() != encoding::bytes) {
        end -= end % 2;
    }
    if (live_) end = std::min(end, fills_to_);
    auto nothing = std::make_unique<run>();
    nothing->owner = this;
    nothing->begin = offset;
    nothing->end = end;
    build(*nothing, no_limit, no_limit, closing::last, now);
    return lines_read(std::move(nothing), to, true, now);
}

wish tailer::long_line_read(const moment& now, delivery::lane& to, std::uint64_t end) {
    const std::uint64_t offset = window_.end();
    // Whatever was written into the file meanwhile, a hole ends where it ends.
    if (live_) end = std::min(end, fills_to_);
    const auto size = std::min<std::uint64_t>(longest_raw(), end - offset);
    delivery::chunk_ref chunk = shared_.chunks.allocate(size);
    const auto room = chunk->room().first(size);
    std::size_t have = 0;
    while (have < size) {
        const auto got = file_->read({}, room.subspan(have), offset + have, os_mode::cached);
        if (got == -EAGAIN) {
            file_->will_need(offset, size);
            return {wish::what::at, now.steady + 2ms};
        }
        if (got == -EINTR) continue;
        if (got < 0) return read_failed(now, static_cast<int>(-got));
        if (got == 0) return {wish::what::replaced};
        have += static_cast<std::size_t>(got);
    }
    auto whole = std::make_unique<run>();
    whole->owner = this;
    whole->bytes = chunk;
    whole->text = room.data();
    whole->text_size = static_cast<std::uint32_t>(size);
    whole->begin = offset;
    whole->end = end;
    build(*whole, no_limit, no_limit, closing::last, now);
    return lines_read(std::move(whole), to, true, now);
}

}  // namespace logagent::tail
