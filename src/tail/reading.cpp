#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "logagent/base/error.hpp"
#include "logagent/tail/tailer.hpp"
#include "nuls.hpp"

// How a tailer reads its file.

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;
using delivery::chunk_pool;
using delivery::closing;
using delivery::encoding;
using delivery::run;
using os_mode = os::file::read_mode;

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

// Reads into less room than this cost more in calls than they save in memory.
constexpr std::size_t least_room = 4096;
// A runtime writes the parts of a line one after the other; this long it may stop in between.
constexpr auto joined_wait = 5s;

}  // namespace

encoding tailer::encoded() const noexcept {
    return delivery::encoding_of(target_->target, {head_.data(), head_size_})
        .value_or(encoding::bytes);
}

bool tailer::is_plain() const noexcept {
    return target_->rules.plain() && encoded() == encoding::bytes;
}

std::uint64_t tailer::longest_line() const noexcept {
    return std::min(target_->target.max_line_bytes, topic_->record_limit());
}

/// What a record of that size may take in the file.
std::uint64_t tailer::longest_raw() const noexcept {
    const bool dense =
        target_->rules.decode() == fleet::decode_kind::none && encoded() == encoding::bytes;
    return dense ? longest_line() : 2 * longest_line();
}

void tailer::retarget(std::shared_ptr<const live_target> target) {
    target_ = std::move(target);
    // A long line is looked at again with the new rules.
    stop_scanning();
    if (filler_) filler_->retarget(target_);
}

delivery::chunk_ref tailer::chunk_for_reading() {
    if (catching_up_ || wanted_room_ > chunk_pool::small)
        return shared_.chunks.allocate(std::max(wanted_room_, chunk_pool::large));
    const std::size_t needed = std::max(wanted_room_, least_room);
    if (!shared_.shared_chunk || shared_.shared_chunk->room().size() < needed)
        shared_.shared_chunk = shared_.chunks.allocate(chunk_pool::small);
    return shared_.shared_chunk;
}

/// Before the first read behind the beginning: the byte order mark, and whether the position lies
/// within a line that was split.
wish tailer::learn(const moment& now) {
    const std::uint64_t offset = window_.end();
    const bool waited = cold_since_ != time_point{} && now.steady - cold_since_ > 100ms;
    const auto mode = waited ? os_mode::blocking : os_mode::cached;
    auto got = file_->read({}, head_, 0, mode);
    if (got == -EAGAIN) return cold(now, 0, least_room);
    if (got < 0 && got != -EINTR) return read_failed(now, static_cast<int>(-got));
    head_size_ = static_cast<std::uint8_t>(std::max<std::int64_t>(got, 0));
    if (target_->target.oversize == fleet::oversize_policy::split) {
        const std::size_t unit = encoded() == encoding::bytes ? 1 : 2;
        std::array<char, 2> before{};
        got = file_->read({}, std::span{before}.first(unit), offset - std::min(offset, unit), mode);
        if (got == -EAGAIN) return cold(now, offset - std::min(offset, unit), least_room);
        const char end = before[encoded() == encoding::utf16be ? 1 : 0];
        inside_ = got == static_cast<std::int64_t>(unit) && end != '\n';
    }
    cold_since_ = {};
    learned_ = true;
    return {wish::what::again};
}

wish tailer::read_more(const moment& now, delivery::lane& to, std::uint64_t lines,
                       std::uint64_t bytes) {
    const std::uint64_t offset = window_.end();
    if (unverified_) {
        const auto seen = check_anchor(*file_, committed_anchor_, os_mode::cached);
        if (seen == look::cold) return cold(now, offset, anchor_bytes);
        if (seen == look::failed && live_) return read_failed(now, EIO);
        if (seen != look::same) return {wish::what::replaced};
        unverified_ = false;
    }
    if (scan_) return long_line(now, to);
    // Nothing was read yet that could be compared: the file may have changed since it was opened.
    const bool waited = cold_since_ != time_point{} && now.steady - cold_since_ > 100ms;
    const auto mode = waited ? os_mode::blocking : os_mode::cached;
    if (anchor_size_ == 0 && generation_.identity.head_size > 0) {
        const auto head = check_head(*file_, generation_.identity, mode);
        if (head == look::different) return {wish::what::replaced};
        if (head == look::cold) return cold(now, 0, head_bytes);
    }
    if (!learned_ && offset > 0) return learn(now);
    delivery::chunk_ref chunk = chunk_for_reading();
    auto room = chunk->room();
    // What may not be sent yet is not read: it stays in the file, not in memory.
    std::uint64_t sensible = bytes;
    if (lines < no_limit / (2 * line_size_))
        sensible = std::min(sensible, lines * line_size_ * 3 / 2);
    sensible = std::max<std::uint64_t>({sensible, least_room, wanted_room_});
    sensible = std::min(sensible, readable_to_ - offset);
    if (sensible < room.size()) room = room.first(sensible);

    std::array<char, anchor_bytes> before;
    if (waited) ++shared_.counted.blocking_reads;
    const auto got =
        file_->read(std::span{before}.first(anchor_size_), room, offset - anchor_size_, mode);
    if (got == -EAGAIN) return cold(now, offset, room.size());
    if (got == -EINTR) return {wish::what::again};
    if (got < 0) return read_failed(now, static_cast<int>(-got));
    const auto cold_since = std::exchange(cold_since_, {});
    // Shorter than the position, or other bytes before it: not the file that was read so far.
    if (got < static_cast<std::int64_t>(anchor_size_)) {
        // ... unless only the cache ends here.
        if (file_size() < offset) return {wish::what::replaced};
        cold_since_ = cold_since;
        return cold(now, offset, room.size());
    }
    if (std::memcmp(before.data(), anchor_.data(), anchor_size_) != 0)
        return {wish::what::replaced};
    if (state_ != state::draining) state_ = state::tailing;
    error_ = {};
    const std::size_t size = static_cast<std::size_t>(got) - anchor_size_;
    if (size == 0) {
        held_.reset();
        return at_end(now);
    }
    const std::uint64_t known_size = size_;
    saw(offset + size);
    grow_head();
    if (offset == 0) {
        head_size_ = static_cast<std::uint8_t>(std::min(size, head_.size()));
        std::memcpy(head_.data(), room.data(), head_size_);
        learned_ = true;
    }

    auto fresh = std::make_unique<run>();
    fresh->owner = this;
    fresh->bytes = chunk;
    fresh->text = room.data();
    fresh->begin = offset;
    fresh->end = offset + size;
    fresh->text_size = static_cast<std::uint32_t>(size);
    fresh->inside = inside_;
    // A short read is the end of the file only if the file is not longer: it may be where the cache
    // ends. What was written since the last look is in the cache, and its event is still to come;
    // only for a last line without end that is not sure enough.
    const bool bounded = offset + size >= readable_to_;
    const bool filled =
        (!bounded && size == room.size()) ||
        // A copy that copytruncate made can be shorter than what was once seen of the file.
        (((!bounded && known_size > offset + size) || accept_partial_) &&
         file_size() > offset + size);
    if (live_ && !bounded && !filled) return {wish::what::replaced};  // a hole lies in its file
    const bool full = filled && size == room.size() && size >= longest_raw();
    std::uint64_t end = 0;
    // A hole ends with its last line, so nothing that belongs to it comes behind it.
    if ((accept_partial_ || live_) && !filled) {
        held_.reset();
        end = build(*fresh, lines, bytes, closing::last, now);
    } else {
        end = build_waiting(*fresh, lines, bytes, !filled, full, now);
    }
    if (end == offset) {
        if (!filled) return at_end(now);
        if (size < room.size()) {
            cold_since_ = cold_since;
            return cold(now, offset, room.size());
        }
        if (full) {
            begin_long_line(*fresh);
        } else {
            wanted_room_ =
                std::min<std::size_t>(std::max(room.size() * 4, least_room * 4), longest_raw());
        }
        return {wish::what::again};
    }
    const auto used = static_cast<std::size_t>(end - offset);
    fresh->end = end;
    fresh->text_size = static_cast<std::uint32_t>(used);
    chunk->use(used);
    const bool more = filled || used < size;
    return lines_read(std::move(fresh), to, more, now);
}

/// Builds from bytes behind which more may come. Whatever waits for it is not waited for if it does
/// not come in time, or if there is no memory for more.
std::uint64_t tailer::build_waiting(run& fresh, std::uint64_t lines, std::uint64_t bytes,
                                    bool at_end, bool full, const moment& now) {
    const std::uint64_t data_end = fresh.end;
    std::uint64_t end = build(fresh, lines, bytes, closing::none, now);
    const bool plain = is_plain();
    if (plain)
        held_.reset();
    else
        hold(!at_end, data_end, now);
    if (holds() && now.steady >= held_->until) {
        end = build(fresh, lines, bytes, closing::idle, now);
        held_.reset();
    }
    if (end > fresh.begin || !full) return end;
    if (!plain) end = build(fresh, lines, bytes, closing::groups, now);
    const bool nuls = leading_nuls({fresh.text, fresh.text_size}) == fresh.text_size;
    const bool split = target_->target.oversize == fleet::oversize_policy::split;
    if (end == fresh.begin && split && !nuls) end = build(fresh, lines, bytes, closing::full, now);
    return end;
}

void tailer::hold(bool nothing, std::uint64_t data_end, const moment& now) {
    if (!held_) held_ = std::make_unique<held_lines>();
    held_lines& held = *held_;
    const auto waits = nothing ? delivery::framing::waiting{} : shared_.framing.waits();
    if (held.data_end != data_end) held.written = now.steady;
    held.data_end = data_end;
    if (waits.joined && (!held.joined || held.joined_from != waits.joined_from))
        held.joined_since = now.steady;
    held.joined_from = waits.joined_from;
    held.group = waits.group;
    held.joined = waits.joined;
    held.until = time_point::max();
    if (held.group)
        held.until = held.written + std::chrono::milliseconds{target_->rules.timeout_ms()};
    if (held.joined) held.until = std::min(held.until, held.joined_since + joined_wait);
}

wish tailer::cold(const moment& now, std::uint64_t offset, std::size_t size) {
    if (cold_since_ == time_point{}) {
        cold_since_ = now.steady;
        file_->will_need(offset, std::max<std::size_t>(size, 1 << 20));
    }
    return {wish::what::at, now.steady + 2ms};
}

wish tailer::read_failed(const moment& now, int code) {
    state_ = state::error;
    error_ = "reading at " + std::to_string(window_.end()) + ": " + base::describe_errno(code) +
             "; tried again every 5 s";
    retry_at_ = now.steady + 5s;
    return {wish::what::at, retry_at_};
}

}  // namespace logagent::tail
