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
using delivery::closing;
using delivery::retry_class;
using delivery::run;

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

constexpr std::uint64_t line_cost = 256;  // what librdkafka keeps for a record beside its bytes

constexpr auto first_backoff = 100ms;
constexpr auto most_backoff = 5s;
constexpr auto first_refused_pause = 20ms;
constexpr auto most_refused_pause = 200ms;

[[maybe_unused]] std::uint64_t sum(const checkpoint::byte_counts& counts) {
    std::uint64_t total = 0;
    for (const auto count : counts)
        total += count;
    return total;
}

}  // namespace

tailer::tailer(services& shared, std::shared_ptr<const live_target> target, std::string_view path,
               std::shared_ptr<os::file> file, start from, delivery::rate_limit& limit)
    : shared_{shared},
      target_{std::move(target)},
      path_{path},
      file_{std::move(file)},
      generation_{std::move(from.generation)},
      limit_{limit},
      topic_{&shared.topics.get(target_->target.topic)},
      window_{from.position.newest()},
      counts_{from.position.counts},
      size_{from.position.size},
      committed_anchor_{from.position.anchor},
      partition_{from.position.partition},
      live_{from.fills},
      recorded_{from.recorded},
      unverified_{from.unverified},
      packed_{from.packed},
      cut_short_{from.cut_short} {
    take_holes(from.position);
}

tailer::~tailer() {
    window_.for_each([this](run& left) { release(left); });
}

wish tailer::step(const moment& now, std::uint64_t readable_to) {
    const wish own = step_own(now, readable_to);
    return has_holes() ? fill(now, own) : own;
}

wish tailer::step_own(const moment& now, std::uint64_t readable_to) {
    if (window_.broken()) return recover(now);
    if (run* const again = window_.next_unsent()) return send_unsent(*again, now);
    readable_to_ = readable_to;
    if (!reading_) return {};
    if (window_.end() > readable_to && readable_to > 0) return {wish::what::replaced};
    if (window_.end() == readable_to && readable_to > 0) {
        held_.reset();
        return at_end(now);
    }
    if (cut_short_ && file_size() <= window_.end()) return at_end(now);
    // To read its end once more would mean to unpack all of it, and then again for the hole.
    if (packed_ && read_whole_) return at_end(now);
    if (state_ == state::error && now.steady < retry_at_) return {wish::what::at, retry_at_};
    if (readable_to > 0 && overloaded(now)) return jump(now);
    delivery::lane* to = nullptr;
    const wish wait = readable_to > 0 ? wait_to_send(now, to) : wish{};
    if (!to) {
        // Events that came before it waits were not looked at; what there is to send must be known
        // all the same.
        if (!grown() && shrank()) return {wish::what::replaced};
        return wait;
    }
    const auto allowed = limit_.available(now.steady);
    return read_more(now, *to, allowed.lines,
                     std::min(allowed.bytes, shared_.host_limit.available(now.steady)));
}

/// What new lines have to wait for; nothing if `chosen` is set.
wish tailer::wait_to_send(const moment& now, delivery::lane*& chosen) {
    if (!topic_->open()) return {wish::what::topic};
    if (shared_.budget.blocked()) return {wish::what::room};
    delivery::lane* to = nullptr;
    if (const wish blocked = choose_lane(now, to); !to) return blocked;
    if (!to->may_send(shared_.budget)) return {wish::what::room};
    const auto allowed = limit_.available(now.steady);
    // With a backlog every report would find a few tokens and send a few lines: requests at the
    // pace of the network, not of the limit.
    const bool too_little = !at_end_ && limit_.ready_at(now.steady) > now.steady;
    if (too_little || allowed.lines == 0 || allowed.bytes == 0 ||
        shared_.host_limit.available(now.steady) == 0) {
        throttle(now, true);
        return {wish::what::at,
                std::max(limit_.ready_at(now.steady), shared_.host_limit.ready_at(now.steady))};
    }
    chosen = to;
    return {};
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
    const std::uint64_t end = build(again, careful ? 1 : no_limit, no_limit, closing::last, now);
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
            seed += path_.view();
            partition_ = static_cast<std::int32_t>(hash(seed) % topic_->partitions());
            own = topic_->at(partition_);
            dirty_ = true;
        }
        if (own && own->has_leader()) chosen = own;
    }
    if (chosen) return {};
    return {wish::what::topic};
}

wish tailer::lines_read(std::unique_ptr<run> built, delivery::lane& to, bool more,
                        const moment& now) {
    const auto& records = shared_.builder.records();
    const std::uint64_t bytes = built->end - built->begin;
    // Blank and filtered lines pass free: the limit is on what is sent.
    const std::uint64_t lines = records.size() + shared_.builder.dead_letters().size();
    const std::uint64_t paid = bytes - std::min(bytes, shared_.built.skipped);
    limit_.spend(lines, paid, now.steady);
    shared_.host_limit.spend(paid, now.steady);
    if (lines > 0)
        line_size_ =
            static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes / lines, 16, 1 << 20));
    throttle(now, false);
    whole().rates_.note(now.steady, lines, bytes);
    shared_.counted.lines_read += lines;
    shared_.counted.bytes_read += bytes;
    wanted_room_ = 0;
    stop_scanning();
    inside_ = shared_.built.inside;
    shared_.counted.undecodable_lines += shared_.built.undecodable;
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
    behind_since_ = {};
    catching_up_ = false;
    throttle(now, false);
    if (!draining_) return holds() ? wish{wish::what::at, held_->until} : wish{};
    if (drained_since_ == time_point{}) drained_since_ = now.steady;
    const auto done_at = drained_since_ + shared_.rotate_wait;
    if (now.steady < done_at) {
        const auto soon = std::min(done_at, now.steady + 500ms);
        return {wish::what::at, holds() ? std::min(soon, held_->until) : soon};
    }
    if (size_ > window_.end() && !accept_partial_) {
        // Final now: nobody will complete the last line.
        accept_partial_ = true;
        return {wish::what::again};
    }
    read_whole_ = true;
    if (!window_.empty() || has_holes()) return {};
    state_ = state::done;
    return {wish::what::settled};
}

/// Truncated, as far as its size tells.
bool tailer::shrank() const {
    if (packed_ || live_ || cut_short_) return false;
    const auto size = file_size();
    const auto head = generation_.identity.head_size;
    return size < head || size < window_.end() || (head == 0 && size < size_);
}

bool tailer::grown() {
    const std::uint64_t size = file_size();
    if (size <= size_) return false;
    at_end_ = false;
    // Rewritten, which the next read finds out too: that size is another generation's, and would be
    // counted as lost of this one.
    const auto& identity = generation_.identity;
    if (!packed_ && identity.head_size > 0 &&
        check_head(*file_, identity, os::file::read_mode::cached) == look::different)
        return true;
    saw(size);
    // A copy of it is known by its head, whether it was read or not.
    if (window_.end() == 0 && generation_.identity.head_size == 0) grow_head();
    return true;
}

std::uint64_t tailer::file_size() const {
    os::file_status status;
    return file_ && file_->status(status) == 0 ? status.size : size_;
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
        poisoned(which, code, now);
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

void tailer::poisoned(run& which, kafka::error code, const moment& now) {
    topic_->proved();
    if (std::exchange(which.poisoned, true)) {
        // Records that lie within each other are buried together, by the first that was refused.
        if (window_.delivered(which, 1)) settle(now);
        return;
    }
    delivery::line whole{which.text, which.text_size, which.begin, which.end};
    auto counts = which.counts;
    if (which.records - which.buried == 1) {
        // The line is made once more, so that its letter has the key that the record had.
        build(which, no_limit, no_limit, closing::last, now);
        if (shared_.builder.records().size() == 1) whole = shared_.built.last_line;
    }
    auto& acked = counts[static_cast<std::size_t>(byte_class::acked)];
    auto& buried = counts[static_cast<std::size_t>(byte_class::dead_letter)];
    buried += std::exchange(acked, 0);
    // The letter has what was cut off the record, where that was read at all.
    if (which.text_size == which.end - which.begin)
        buried += std::exchange(counts[static_cast<std::size_t>(byte_class::cut)], 0);
    which.counts = counts;
    ++which.buried;
    if (whole.size > 0 && whole.text[whole.size - 1] == '\n') --whole.size;
    if (whole.size > 0 && whole.text[whole.size - 1] == '\r') --whole.size;
    bury(which, whole, kafka::name(code), now);
}

void tailer::abandoned(bool careful_producer, const moment& now) {
    window_.for_each([&](run& each) {
        if (each.now == run::state::unsent || each.careful != careful_producer) return;
        if (each.pending <= each.buried) return;
        if (!window_.broken()) retry_at_ = now.steady + first_backoff;
        window_.abandon(each, kafka::error::purge_inflight);
    });
    if (filler_) filler_->abandoned(careful_producer, now);
}

void tailer::settle(const moment& now) {
    while (const auto settled = window_.take_settled()) {
        assert(sum(settled->counts) == settled->end - settled->begin);
        auto& counts = whole().counts_;
        for (std::size_t at = 0; at < counts.size(); ++at)
            counts[at] += settled->counts[at];
        shared_.counted.lines_acked += settled->records;
        note_losses(*settled, now);
        release(*settled);
        remember_anchor(*settled);
        if (live_) live_->filled_to(window_.committed(), committed_anchor_);
        backoff_ = {};
        dirty_ = true;
        drained_since_ = drained_since_ == time_point{} ? drained_since_ : now.steady;
    }
    assert(live_ || sum(counts_) + hole_bytes() == window_.committed() || ended_);
}

void tailer::note_losses(const run& settled, const moment& now) {
    const auto note = [&](byte_class kind, std::string_view reason) {
        const auto bytes = settled.counts[static_cast<std::size_t>(kind)];
        if (bytes == 0) return;
        shared_.store.note({0,
                            generation_.id,
                            generation_.path.str(),
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
    if (live_) return live_->record_generation();
    if (recorded_) return true;
    shared_.store.put(generation_);
    shared_.store.put(position());
    recorded_ = true;
    // A full disk must not stop shipping: the change stays unwritten and is tried again.
    // Other positions go along: a later generation known as finished beside an earlier one that is
    // not would have the earlier lines sent again behind the later ones after a kill.
    return shared_.save();
}

bool tailer::inspect() {
    os::file_status status;
    return file_->status(status) != 0 || inspect(status);
}

bool tailer::inspect(const os::file_status& status) {
    if (status.size < std::max(window_.end(), scan_ ? scan_->to : 0)) return false;
    const auto& identity = generation_.identity;
    if (identity.head_size > 0 &&
        check_head(*file_, identity, os::file::read_mode::cached) == look::different)
        return false;
    saw(status.size);
    size_ = status.size;  // of this life, as far as can be told
    grow_head();
    return true;
}

/// What is seen now and gone before it is read is counted as lost, by the next process too.
void tailer::saw(std::uint64_t size) noexcept {
    if (size <= size_) return;
    size_ = size;
    dirty_ = true;
}

void tailer::grow_head() {
    auto& identity = generation_.identity;
    if (packed_ || identity.head_size >= head_bytes) return;
    // Not with every line: each time costs a read and a record in the journal.
    if (size_ < std::min<std::uint64_t>(2 * identity.head_size, head_bytes) || size_ == 0) return;
    if (live_) return;  // who knows the whole file does that
    const bool nameless = identity.head_size == 0;
    if (read_head(*file_, size_, os::file::read_mode::cached, identity) != look::same) return;
    // A record of an empty file fits any content: a new one is written before the first line goes.
    if (nameless) recorded_ = false;
    if (recorded_) shared_.store.put(generation_);
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
    take_file();
}

void tailer::write_off(const moment& now) {
    assert(ended_ && idle());
    const auto lose = [&](std::uint64_t begin, std::uint64_t end) {
        if (end <= begin) return;
        counts_[static_cast<std::size_t>(lost_as_)] += end - begin;
        shared_.store.note({0,
                            generation_.id,
                            generation_.path.str(),
                            topic_->name(),
                            lost_as_,
                            {begin, end},
                            end - begin,
                            now.wall_ms,
                            lost_reason_});
    };
    for (const gap& each : holes_)
        lose(each.begin, each.end);
    holes_.clear();
    lose(window_.committed(), size_);
    dirty_ = true;
}

checkpoint::position_record tailer::position() const {
    checkpoint::position_record record;
    record.generation = generation_.id;
    record.topic = topic_->name();
    record.log_path = target_->target.log_path;
    record.partition = partition_;
    record.size = std::max(size_, window_.committed());
    record.counts = counts_;
    put_ranges(record);
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
    const double filling = filler_ ? filler_->throttled_seconds(now) : 0;
    if (throttled_since_ == time_point{}) return throttled_ + filling;
    return throttled_ + filling + std::chrono::duration<double>(now - throttled_since_).count();
}

time_point tailer::oldest_sent() const noexcept {
    time_point oldest = time_point::max();
    window_.for_each([&](const run& each) {
        if (each.pending > 0) oldest = std::min(oldest, each.sent_at);
    });
    if (filler_) oldest = std::min(oldest, filler_->oldest_sent());
    return oldest;
}

}  // namespace logagent::tail
