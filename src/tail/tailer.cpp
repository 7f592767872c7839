#include "logagent/tail/tailer.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "logagent/base/error.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;
using checkpoint::byte_class;
using delivery::chunk_pool;
using delivery::retry_class;
using delivery::run;

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

// Reads into less room than this cost more in calls than they save in memory.
constexpr std::size_t least_room = 4096;
constexpr std::uint64_t line_cost = 256;  // what librdkafka keeps for a record beside its bytes

constexpr auto first_backoff = 100ms;
constexpr auto most_backoff = 5s;
constexpr auto first_refused_pause = 20ms;
constexpr auto most_refused_pause = 200ms;
constexpr auto rate_slot = 5s;

[[maybe_unused]] std::uint64_t sum(const checkpoint::byte_counts& counts) {
    std::uint64_t total = 0;
    for (const auto count : counts)
        total += count;
    return total;
}

}  // namespace

tailer::tailer(services& shared, std::shared_ptr<const live_target> target, std::string_view path,
               std::unique_ptr<os::file> file, start from, delivery::rate_limit& limit)
    : shared_{shared},
      target_{std::move(target)},
      path_{path},
      file_{std::move(file)},
      generation_{std::move(from.generation)},
      partition_{from.position.partition},
      limit_{limit},
      topic_{&shared.topics.get(target_->target.topic)},
      window_{from.position.done.empty() ? 0 : from.position.done.front().end},
      counts_{from.position.counts},
      size_{from.position.size},
      committed_anchor_{from.position.anchor},
      recorded_{from.recorded},
      unverified_{from.unverified},
      packed_{from.packed} {}

tailer::~tailer() {
    window_.for_each([this](run& left) { release(left); });
}

wish tailer::step(const moment& now, std::uint64_t readable_to) {
    if (window_.broken()) return recover(now);
    if (run* const again = window_.next_unsent()) return send_unsent(*again, now);
    readable_to_ = readable_to;
    if (!reading_ || readable_to == 0) return {};
    if (window_.end() > readable_to) return {wish::what::replaced};
    if (window_.end() == readable_to) return at_end(now);
    if (state_ == state::error && now.steady < retry_at_) return {wish::what::at, retry_at_};
    if (!topic_->open()) return {wish::what::topic};
    if (shared_.budget.blocked()) return {wish::what::room};
    delivery::lane* to = nullptr;
    if (const wish blocked = choose_lane(now, to); !to) return blocked;
    if (!to->may_send(shared_.budget)) return {wish::what::room};

    const auto allowed = limit_.available(now.steady);
    const auto host_bytes = shared_.host_limit.available(now.steady);
    if (allowed.lines == 0 || allowed.bytes == 0 || host_bytes == 0) {
        throttle(now, true);
        const auto ready =
            std::max(limit_.ready_at(now.steady), shared_.host_limit.ready_at(now.steady));
        return {wish::what::at, ready};
    }
    return read_more(now, *to, allowed.lines, std::min(allowed.bytes, host_bytes));
}

wish tailer::recover(const moment& now) {
    if (!window_.quiet()) return {};
    if (now.steady < retry_at_) return {wish::what::at, retry_at_};
    if (!topic_->open()) return {wish::what::topic};
    run* const hole = window_.first_failed();
    const bool poison = delivery::classify(hole->code) == retry_class::poison;
    window_.rewind([this](run& again) { release(again); });
    hole->careful = poison;
    ++shared_.counted.rewinds;
    return {wish::what::again};
}

wish tailer::send_unsent(run& again, const moment& now) {
    if (!topic_->open()) return {wish::what::topic};
    delivery::lane* to = nullptr;
    if (const wish blocked = choose_lane(now, to); !to) return blocked;
    const bool careful = again.careful || topic_->now() == delivery::topic::state::probation;
    // The two producers know nothing of each other, and the careful one keeps no order by itself:
    // order holds only if everything before has been reported.
    if ((careful || last_careful_) && !window_.quiet()) return {};
    const std::uint64_t end =
        build(again, careful ? 1 : no_limit, no_limit, /*unterminated=*/true, now);
    if (end < again.end) {
        window_.split(again, end, static_cast<std::uint32_t>(end - again.begin));
        // Only the line that was to blame has to travel alone, but which one is found line by line.
        again.next->careful = again.careful;
    }
    if (!produce(again, *to, careful, now)) return refused(now);
    return {wish::what::again};
}

/// Each attempt makes all records anew, so a client that is away for a minute is not asked fifty
/// times a second.
wish tailer::refused(const moment& now) {
    refused_pause_ =
        std::clamp<duration>(refused_pause_ * 2, first_refused_pause, most_refused_pause);
    return {wish::what::at, now.steady + refused_pause_};
}

wish tailer::choose_lane(const moment& now, delivery::lane*& chosen) {
    if (target_->target.partition == fleet::partition_kind::spread) {
        chosen = topic_->sticky(now.steady, line_size_);
    } else {
        delivery::lane* own = topic_->at(partition_);
        if (!own && topic_->partitions() > 0) {
            // One file, one partition for its life, so order holds (DESIGN 4.4).
            std::string seed = shared_.host;
            seed += '\0';
            seed += path_;
            partition_ = static_cast<std::int32_t>(hash(seed) % topic_->partitions());
            own = topic_->at(partition_);
            dirty_ = true;
        }
        if (own && own->has_leader()) chosen = own;
    }
    if (chosen) return {};
    return {wish::what::topic};
}

delivery::chunk_ref tailer::chunk_for_reading() {
    if (catching_up_ || wanted_room_ > chunk_pool::small)
        return shared_.chunks.allocate(std::max(wanted_room_, chunk_pool::large));
    const std::size_t needed = std::max(wanted_room_, least_room);
    if (!shared_.shared_chunk || shared_.shared_chunk->room().size() < needed)
        shared_.shared_chunk = shared_.chunks.allocate(chunk_pool::small);
    return shared_.shared_chunk;
}

wish tailer::read_more(const moment& now, delivery::lane& to, std::uint64_t lines,
                       std::uint64_t bytes) {
    if (unverified_) {
        const auto seen = check_anchor(*file_, committed_anchor_, os::file::read_mode::cached);
        if (seen == look::cold) return cold(now, window_.end(), anchor_bytes);
        if (seen != look::same) return {wish::what::replaced};
        unverified_ = false;
    }
    if (scanned_to_ > 0) return long_line(now, to);
    // Nothing was read yet that could be compared: the file may have changed since it was opened.
    const bool waited = cold_since_ != time_point{} && now.steady - cold_since_ > 100ms;
    const auto mode = waited ? os::file::read_mode::blocking : os::file::read_mode::cached;
    if (anchor_size_ == 0 && generation_.identity.head_size > 0) {
        const auto head = check_head(*file_, generation_.identity, mode);
        if (head == look::different) return {wish::what::replaced};
        if (head == look::cold) return cold(now, 0, head_bytes);
    }
    delivery::chunk_ref chunk = chunk_for_reading();
    const std::uint64_t offset = window_.end();
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
    error_.clear();
    const std::size_t size = static_cast<std::size_t>(got) - anchor_size_;
    if (size == 0) return at_end(now);
    const std::uint64_t known_size = std::exchange(size_, std::max(size_, offset + size));
    grow_head();

    auto fresh = std::make_unique<run>();
    fresh->owner = this;
    fresh->bytes = chunk;
    fresh->text = room.data();
    fresh->begin = offset;
    fresh->end = offset + size;
    fresh->text_size = static_cast<std::uint32_t>(size);
    // A short read is the end of the file only if the file is not longer: it may be where the cache
    // ends. What was written since the last look is in the cache, and its event is still to come;
    // only for a last line without end that is not sure enough.
    const bool bounded = offset + size >= readable_to_;
    const bool filled =
        (!bounded && size == room.size()) ||
        // A copy that copytruncate made can be shorter than what was once seen of the file.
        (((!bounded && known_size > offset + size) || accept_partial_) &&
         file_size() > offset + size);
    const bool last_bytes = accept_partial_ && !filled;
    std::uint64_t end = build(*fresh, lines, bytes, last_bytes, now);
    if (end == offset) {
        if (!filled) return at_end(now);
        if (size < room.size()) {
            cold_since_ = cold_since;
            return cold(now, offset, room.size());
        }
        if (room.size() < longest_line()) {
            wanted_room_ =
                std::min<std::size_t>(std::max(room.size() * 4, least_room * 4), longest_line());
        } else {
            scanned_to_ = offset + size;
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

wish tailer::lines_read(std::unique_ptr<run> built, delivery::lane& to, bool more,
                        const moment& now) {
    const auto& records = shared_.builder.records();
    const std::uint64_t bytes = built->end - built->begin;
    // Blank and filtered lines pass free: the limit is on what is sent.
    const std::uint64_t lines = records.size() + shared_.builder.dead_letters().size();
    limit_.spend(lines, bytes, now.steady);
    shared_.host_limit.spend(bytes, now.steady);
    if (lines > 0)
        line_size_ =
            static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes / lines, 16, 1 << 20));
    throttle(now, false);
    note_rate(now.steady, lines, bytes);
    shared_.counted.lines_read += lines;
    shared_.counted.bytes_read += bytes;
    wanted_room_ = 0;
    scanned_to_ = 0;
    catching_up_ = more && limit_.unlimited() && bytes >= chunk_pool::small / 2;
    at_end_ = !more;
    drained_since_ = {};

    run& pushed = window_.push(std::move(built));
    remember_read(pushed);
    const bool careful = topic_->now() == delivery::topic::state::probation;
    if (careful || last_careful_) {
        // Built for the main producer; send_unsent() cuts it into lines.
        if (careful || !window_.quiet()) return {wish::what::again};
    }
    if (!produce(pushed, to, false, now)) return refused(now);
    // What is written from now on brings an event of its own.
    if (!more) return at_end(now);
    return {wish::what::again};
}

void tailer::remember_read(const run& pushed) {
    if (pushed.text_size != pushed.end - pushed.begin) {
        anchor_size_ = 0;  // the end of an oversize line is not in memory
        return;
    }
    if (pushed.text_size >= anchor_bytes) {
        std::memcpy(anchor_.data(), pushed.text + pushed.text_size - anchor_bytes, anchor_bytes);
        anchor_size_ = anchor_bytes;
        return;
    }
    const std::uint32_t kept =
        std::min<std::uint32_t>(anchor_size_, anchor_bytes - pushed.text_size);
    std::memmove(anchor_.data(), anchor_.data() + anchor_size_ - kept, kept);
    std::memcpy(anchor_.data() + kept, pushed.text, pushed.text_size);
    anchor_size_ = kept + pushed.text_size;
}

wish tailer::at_end(const moment& now) {
    at_end_ = true;
    catching_up_ = false;
    throttle(now, false);
    if (!draining_) return {};
    if (drained_since_ == time_point{}) drained_since_ = now.steady;
    const auto done_at = drained_since_ + shared_.rotate_wait;
    if (now.steady < done_at) return {wish::what::at, std::min(done_at, now.steady + 500ms)};
    if (size_ > window_.end() && !accept_partial_) {
        // Final now: nobody will complete the last line.
        accept_partial_ = true;
        return {wish::what::again};
    }
    if (!window_.empty()) return {};
    state_ = state::done;
    return {wish::what::settled};
}

bool tailer::grown() {
    const std::uint64_t size = file_size();
    if (size <= size_) return false;
    size_ = size;
    at_end_ = false;
    return true;
}

std::uint64_t tailer::file_size() const {
    os::file_status status;
    return file_ && file_->status(status) == 0 ? status.size : size_;
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

// A line that does not fit into memory: its end is looked for in slices, then its beginning is
// read.
wish tailer::long_line(const moment& now, delivery::lane& to) {
    if (!shared_.shared_chunk || shared_.shared_chunk->room().size() < least_room)
        shared_.shared_chunk = shared_.chunks.allocate(chunk_pool::small);
    const auto room = shared_.shared_chunk->room();
    const auto got = file_->read({}, room, scanned_to_, os::file::read_mode::cached);
    if (got == -EAGAIN) {
        file_->will_need(scanned_to_, 1 << 20);
        return {wish::what::at, now.steady + 2ms};
    }
    if (got < 0) return read_failed(now, static_cast<int>(-got));
    if (got == 0) {
        if (accept_partial_) return long_line_read(now, to, scanned_to_);
        return at_end(now);
    }
    size_ = std::max(size_, scanned_to_ + static_cast<std::uint64_t>(got));
    const void* const found = std::memchr(room.data(), '\n', static_cast<std::size_t>(got));
    if (!found) {
        scanned_to_ += static_cast<std::uint64_t>(got);
        return {wish::what::again};
    }
    const auto length = static_cast<std::uint64_t>(static_cast<const char*>(found) - room.data());
    return long_line_read(now, to, scanned_to_ + length + 1);
}

wish tailer::long_line_read(const moment& now, delivery::lane& to, std::uint64_t end) {
    const std::uint64_t offset = window_.end();
    const auto size = std::min<std::uint64_t>(longest_line(), end - offset);
    delivery::chunk_ref chunk = shared_.chunks.allocate(size);
    const auto room = chunk->room().first(size);
    std::size_t have = 0;
    while (have < size) {
        const auto got =
            file_->read({}, room.subspan(have), offset + have, os::file::read_mode::cached);
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
    build(*whole, no_limit, no_limit, true, now);
    return lines_read(std::move(whole), to, true, now);
}

std::uint64_t tailer::longest_line() const noexcept {
    return std::min(target_->target.max_line_bytes, topic_->record_limit());
}

delivery::record_builder::origin tailer::origin(const moment& now) const {
    return {&target_->target, &target_->filter,       shared_.host, generation_.path,
            &generation_.id,  topic_->record_limit(), now.wall_ms};
}

std::uint64_t tailer::build(run& into, std::uint64_t lines, std::uint64_t bytes, bool unterminated,
                            const moment& now) {
    auto& builder = shared_.builder;
    builder.begin(origin(now), into);
    delivery::line next{into.text, into.text_size, into.begin, into.end, 0};
    if (into.text_size != into.end - into.begin) {
        // The line end is no byte of the line.
        next.cut = into.end - into.begin - into.text_size - (accept_partial_ ? 0 : 1);
        builder.add(next);
        return into.end;
    }
    const char* at = into.text;
    const char* const stop = into.text + into.text_size;
    std::uint64_t offset = into.begin;
    const auto made = [&] { return builder.records().size() + builder.dead_letters().size(); };
    while (at < stop && made() < lines && offset - into.begin < bytes) {
        const auto left = static_cast<std::size_t>(stop - at);
        const char* const found = static_cast<const char*>(std::memchr(at, '\n', left));
        if (!found && !unterminated) break;
        const std::size_t size = found ? static_cast<std::size_t>(found - at) : left;
        const std::size_t whole = size + (found ? 1 : 0);
        next.text = at;
        next.size = static_cast<std::uint32_t>(size);
        next.begin = offset;
        next.end = offset + whole;
        if (!builder.add(next)) break;
        at += whole;
        offset += whole;
    }
    return offset;
}

bool tailer::produce(run& built, delivery::lane& to, bool careful, const moment& now) {
    const auto& builder = shared_.builder;
    const auto& records = builder.records();
    record_generation();
    const auto buried = static_cast<std::uint32_t>(builder.dead_letters().size());
    built.on = &to;
    built.careful = careful;
    built.cost = builder.key_bytes() + line_cost * records.size();
    shared_.budget.charge(built.cost);
    to.charge(built.cost + built.text_size);
    window_.sent(built, static_cast<std::uint32_t>(records.size()) + buried, buried, now.steady);
    if (!records.empty()) {
        auto& by = careful ? shared_.careful : shared_.main;
        const auto handle = careful ? topic_->careful_handle() : topic_->main_handle();
        const auto taken =
            by.produce(handle, to.partition(), records, static_cast<delivery::batch*>(&built));
        if (taken.accepted == 0) {
            release(built);
            window_.unsend(built);
            return false;
        }
        // What was not taken leaves a hole; it is sent again with everything behind it.
        auto missing = records.size() - taken.accepted + taken.refused.size();
        const auto code = taken.refused.empty() ? kafka::error::queue_full : taken.refused[0].code;
        for (; missing > 0; --missing)
            failed(built, nullptr, code, now);
    }
    refused_pause_ = {};
    last_careful_ = careful;
    for (const auto& line : builder.dead_letters())
        bury(built, line, "oversize", now);
    settle(now);
    return true;
}

void tailer::bury(run& from, const delivery::line& whole, std::string_view reason,
                  const moment& now) {
    auto letter = std::make_unique<dead_letter>();
    letter->from = &from;
    letter->topic = topic_->name() + ".dead";
    letter->key = shared_.builder.key_of(origin(now), whole.begin, whole.end, true);
    // The dead letter topic has limits of its own, unknown here; half of the usual one is safe.
    constexpr std::size_t most_value = 500'000;
    std::string scratch;
    const auto value = target_->filter.masked({whole.text, whole.size}, scratch);
    letter->value.assign(value.substr(0, most_value));
    letter->reason = reason;
    letter->range = std::to_string(whole.begin) + "-" + std::to_string(whole.end);
    letter->first_try = now.steady;
    shared_.bury(std::move(letter));
}

void tailer::delivered(run& which, std::uint32_t count, const moment& now) {
    if (which.careful) topic_->proved();
    if (window_.delivered(which, count)) settle(now);
}

void tailer::letter_stored(run& which, const moment& now) {
    if (window_.delivered(which, 1)) settle(now);
}

void tailer::failed(run& which, const char* value, kafka::error code, const moment& now) {
    const retry_class what = delivery::classify(code);
    if (what == retry_class::poison && which.careful && value) {
        // Alone, and refused all the same: this is the one.
        auto& counts = which.counts;
        auto& acked = counts[static_cast<std::size_t>(byte_class::acked)];
        counts[static_cast<std::size_t>(byte_class::dead_letter)] += std::exchange(acked, 0);
        which.buried = 1;
        topic_->proved();
        bury(which, refused_line(which), kafka::name(code), now);
        return;
    }
    if (!window_.broken()) {
        backoff_ = std::clamp<duration>(backoff_ * 2, first_backoff, most_backoff);
        retry_at_ = now.steady + backoff_;
    }
    window_.failed(which, code);
    if (what == retry_class::park) topic_->park(code, now.steady);
    if (what == retry_class::poison) topic_->describe_by(now.steady);
}

/// The line of a careful run that its record was made of: the last one, behind blank and filtered
/// ones.
delivery::line tailer::refused_line(const run& of) {
    std::string_view text{of.text, of.text_size};
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::uint64_t begin = of.begin;
    if (of.text_size == of.end - of.begin) {
        const auto before = text.rfind('\n');
        const std::size_t skipped = before == text.npos ? 0 : before + 1;
        text.remove_prefix(skipped);
        begin += skipped;
    }
    if (text.ends_with('\r')) text.remove_suffix(1);
    return {text.data(), static_cast<std::uint32_t>(text.size()), begin, of.end, 0};
}

void tailer::abandoned(bool careful_producer, const moment& now) {
    window_.for_each([&](run& each) {
        if (each.now == run::state::unsent || each.careful != careful_producer) return;
        if (each.pending <= each.buried) return;
        if (!window_.broken()) retry_at_ = now.steady + first_backoff;
        window_.abandon(each, kafka::error::purge_inflight);
    });
}

void tailer::settle(const moment& now) {
    while (const auto settled = window_.take_settled()) {
        assert(sum(settled->counts) == settled->end - settled->begin);
        for (std::size_t at = 0; at < counts_.size(); ++at)
            counts_[at] += settled->counts[at];
        shared_.counted.lines_acked += settled->records;
        note_losses(*settled, now);
        release(*settled);
        remember_anchor(*settled);
        backoff_ = {};
        dirty_ = true;
        drained_since_ = drained_since_ == time_point{} ? drained_since_ : now.steady;
    }
    assert(sum(counts_) == window_.committed() || ended_);
}

void tailer::note_losses(const run& settled, const moment& now) {
    const auto note = [&](byte_class kind, std::string_view reason) {
        const auto bytes = settled.counts[static_cast<std::size_t>(kind)];
        if (bytes == 0) return;
        shared_.store.note({0,
                            generation_.id,
                            generation_.path,
                            topic_->name(),
                            kind,
                            {settled.begin, settled.end},
                            bytes,
                            now.wall_ms,
                            std::string{reason}});
    };
    note(byte_class::cut, "lines longer than max_line_bytes or the topic's limit were cut");
    note(byte_class::dead_letter, "lines went to the dead letter topic");
}

void tailer::release(run& which) {
    if (!which.on) return;
    shared_.budget.release(which.cost);
    which.on->release(which.cost + which.text_size);
    which.cost = 0;
    which.on = nullptr;
}

void tailer::remember_anchor(const run& settled) {
    committed_anchor_ = {settled.end, 0, 0};
    if (settled.text_size != settled.end - settled.begin) return;
    const std::uint32_t size = std::min<std::uint32_t>(settled.text_size, anchor_bytes);
    committed_anchor_.size = size;
    committed_anchor_.hash = hash({settled.text + settled.text_size - size, size});
}

bool tailer::record_generation() {
    if (recorded_) return true;
    shared_.store.put(generation_);
    shared_.store.put(position());
    recorded_ = true;
    // A full disk must not stop shipping: the change stays unwritten and is tried again.
    // Other positions go along: a later generation known as finished beside an earlier one that is
    // not would have the earlier lines sent again behind the later ones after a kill.
    return shared_.save();
}

bool tailer::inspect(const moment&) {
    os::file_status status;
    if (file_->status(status) != 0) return true;
    if (status.size < std::max(window_.end(), scanned_to_)) return false;
    const auto& identity = generation_.identity;
    if (identity.head_size > 0 &&
        check_head(*file_, identity, os::file::read_mode::cached) == look::different)
        return false;
    size_ = status.size;  // of this life, as far as can be told
    grow_head();
    return true;
}

void tailer::grow_head() {
    auto& identity = generation_.identity;
    if (packed_ || identity.head_size >= head_bytes || size_ <= identity.head_size) return;
    const auto seen = read_head(*file_, size_, os::file::read_mode::cached, identity);
    if (seen == look::same && recorded_) shared_.store.put(generation_);
}

void tailer::drain(const moment&) {
    draining_ = true;
    if (state_ != state::error) state_ = state::draining;
    at_end_ = false;  // the last words may have been written since the last read
    drained_since_ = {};
}

void tailer::abandon_file(const moment&) {
    size_ = std::max(size_, file_size());
    end(byte_class::abandoned, "deleted, and held_deleted_bytes was exceeded");
    file_.reset();
}

void tailer::write_off(const moment& now) {
    assert(ended_ && window_.empty());
    const auto begin = window_.committed();
    if (size_ > begin) {
        counts_[static_cast<std::size_t>(lost_as_)] += size_ - begin;
        shared_.store.note({0,
                            generation_.id,
                            generation_.path,
                            topic_->name(),
                            lost_as_,
                            {begin, size_},
                            size_ - begin,
                            now.wall_ms,
                            std::string{lost_reason_}});
    }
    dirty_ = true;
}

checkpoint::position_record tailer::position() const {
    checkpoint::position_record record;
    record.generation = generation_.id;
    record.topic = topic_->name();
    record.log_path = target_->target.log_path;
    record.partition = partition_;
    if (window_.committed() > 0) record.done.push_back({0, window_.committed()});
    record.size = std::max(size_, window_.committed());
    record.anchor = committed_anchor_;
    record.counts = counts_;
    return record;
}

void tailer::throttle(const moment& now, bool on) noexcept {
    if (on && throttled_since_ == time_point{}) {
        throttled_since_ = now.steady;
        if (!draining_) state_ = state::throttled;
    } else if (!on && throttled_since_ != time_point{}) {
        throttled_ += std::chrono::duration<double>(now.steady - throttled_since_).count();
        throttled_since_ = {};
    }
}

double tailer::throttled_seconds(time_point now) const noexcept {
    if (throttled_since_ == time_point{}) return throttled_;
    return throttled_ + std::chrono::duration<double>(now - throttled_since_).count();
}

void tailer::note_rate(time_point now, std::uint64_t lines, std::uint64_t bytes) noexcept {
    if (now - rate_slot_ >= rate_slot) {
        const bool next = now - rate_slot_ < 2 * rate_slot;
        last_lines_ = next ? slot_lines_ : 0;
        last_bytes_ = next ? slot_bytes_ : 0;
        slot_lines_ = slot_bytes_ = 0;
        rate_slot_ = now;
    }
    slot_lines_ += lines;
    slot_bytes_ += bytes;
}

std::pair<double, double> tailer::rates(time_point now) const noexcept {
    const double age = std::chrono::duration<double>(now - rate_slot_).count();
    const double slot = std::chrono::duration<double>(rate_slot).count();
    if (age >= 2 * slot) return {0, 0};
    // The part of the previous slot that still lies within one slot's length.
    const double rest = std::max(0.0, 1 - age / slot);
    const double length = age < slot ? slot : age;
    return {(static_cast<double>(slot_lines_) + rest * static_cast<double>(last_lines_)) / length,
            (static_cast<double>(slot_bytes_) + rest * static_cast<double>(last_bytes_)) / length};
}

time_point tailer::oldest_sent() const noexcept {
    time_point oldest = time_point::max();
    window_.for_each([&](const run& each) {
        if (each.pending > 0) oldest = std::min(oldest, each.sent_at);
    });
    return oldest;
}

}  // namespace logagent::tail
