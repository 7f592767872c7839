// What is at a path, whether it was seen before, and where to go on in it.
#include <algorithm>
#include <cerrno>

#include "logagent/base/log.hpp"
#include "siblings.hpp"
#include "source.hpp"

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;
using checkpoint::byte_class;

std::string_view state_of(os::open_error reason) {
    switch (reason) {
        case os::open_error::missing:
            return "waiting";
        case os::open_error::not_allowed:
        case os::open_error::no_permission:
        case os::open_error::hard_link:
        case os::open_error::network_fs:
            return "denied";
        default:
            return "error";
    }
}

/// Where the last line of a file begins that has no end yet: starting behind its first half would
/// send the other half as a line. Empty = the bytes are not in the cache.
std::optional<std::uint64_t> end_of_whole_lines(const os::file& file, std::uint64_t size,
                                                os::file::read_mode mode) {
    std::array<char, 4096> last;
    const auto wanted = std::min<std::uint64_t>(size, last.size());
    const auto got = file.read({}, std::span{last}.first(wanted), size - wanted, mode);
    if (got == -EAGAIN || (got >= 0 && static_cast<std::uint64_t>(got) < wanted)) {
        file.will_need(size - wanted, wanted);
        if (mode == os::file::read_mode::cached) return std::nullopt;
    }
    if (got <= 0) return size;
    const auto found = std::string_view{last.data(), static_cast<std::size_t>(got)}.rfind('\n');
    // A line longer than that is cut rather than looked for.
    if (found == std::string_view::npos) return size > wanted ? size : 0;
    return size - wanted + found + 1;
}

void skip_to(checkpoint::position_record& position, std::uint64_t offset) {
    position.done.clear();
    if (offset > 0) position.done.push_back({0, offset});
    position.counts[static_cast<std::size_t>(byte_class::skipped_at_start)] = offset;
    position.anchor = {offset, 0, 0};
}

}  // namespace

void take_over(const checkpoint::position_record& earlier, std::uint64_t size,
               checkpoint::position_record& position) {
    if (earlier.done.size() < 2 || earlier.newest() > size)
        return skip_to(position, std::min(earlier.committed(), size));
    // The former topic got what lies behind the holes.
    position.done = earlier.done;
    position.anchor = earlier.anchor;
    position.later_anchors = earlier.later_anchors;
    auto& skipped = position.counts[static_cast<std::size_t>(byte_class::skipped_at_start)];
    for (const auto& range : earlier.done)
        skipped += range.end - range.begin;
}

void collector::want_look(source& where) {
    if (stopping_ || std::exchange(where.look_queued, true)) return;
    looks_.push_back(&where);
}

void collector::look_later(source& where, time_point when) {
    // Every event brings a look, and every look may ask for one more.
    if (where.look_at != time_point{} && where.look_at <= when) return;
    where.look_at = when;
    look_timers_.emplace(when, &where);
}

void collector::look(source& where, const moment& now) {
    if (where.opened) return identify(where, now);
    tailer* const current = where.current();
    if (!current) return open_at(where, now);

    os::file_status at_path;
    os::file_status of_file;
    const int code = disk_.status(where.path, at_path);
    current->file()->status(of_file);
    const bool same =
        code == 0 && at_path.inode == of_file.inode && at_path.device == of_file.device;
    if (same) {
        if (!current->inspect(of_file)) return truncated(where, *current);
        // A sweep over idle files must not read each of them.
        if (!current->caught_up() || current->size() > current->read_offset()) make_ready(*current);
        return;
    }
    // Something that cannot be looked at right now is not gone.
    if (code != 0 && code != ENOENT && code != ENOTDIR) return;
    ++totals_.rotations;
    LOGAGENT_LOG(info, "tail.rotated",
                 where.path << ": another file or none is there now; the old one is read to its "
                               "end, at "
                            << current->read_offset() << " of " << current->size());
    current->drain(now);
    make_ready(*current);
    open_at(where, now);
}

void collector::open_at(source& where, const moment& now) {
    adopt_siblings(where, where.path, now);
    auto opened = disk_.open(where.path, where.target->target.trusted);
    watch_directories(where, std::move(opened.directories), opened.real_path);
    if (!where.real_path.empty()) adopt_siblings(where, where.real_path, now);
    where.polled = where.polled || opened.polled;
    where.missing = !opened.file && opened.failure.reason == os::open_error::missing;
    if (!opened.file) {
        fail(where, state_of(opened.failure.reason), std::move(opened.failure.text), now);
        const bool soon = opened.failure.reason == os::open_error::busy ||
                          opened.failure.reason == os::open_error::exhausted;
        if (soon) look_later(where, now.steady + 1s);
        return;
    }
    where.opened = std::move(opened.file);
    where.opened_at = now.steady;
    identify(where, now);
}

bool collector::abandoned_by_glob(const source& where) const {
    return where.target->target.is_glob() && where.looked && where.missing && !where.opened &&
           where.tailers.empty();
}

void collector::fail(source& where, std::string_view state, std::string text, const moment&) {
    where.looked = true;
    if (where.state != state || where.error != text)
        LOGAGENT_LOG(warn, "tail.not_read", where.path << ": " << state << ": " << text);
    where.state = state;
    where.error = std::move(text);
}

void collector::identify(source& where, const moment& now) {
    using os::file;
    // A cold disk may hold one file up, not the loop: after 100 ms one small read waits for it.
    const auto mode =
        now.steady - where.opened_at > 100ms ? file::read_mode::blocking : file::read_mode::cached;
    os::file_status status;
    if (const int code = where.opened->status(status); code != 0) {
        where.opened.reset();
        return fail(where, "error", "fstat: " + std::to_string(code), now);
    }
    checkpoint::file_identity head{
        status.device, status.inode, status.generation, status.birth_time, 0, 0};
    const tail::look beginning = read_head(*where.opened, status.size, mode, head);
    if (beginning == tail::look::failed) {
        where.opened.reset();
        return fail(where, "error", "its beginning cannot be read; looked at again", now);
    }
    bool cold = beginning == tail::look::cold;
    bool rewritten = false;
    std::optional<checkpoint::generation_record> known;
    if (!cold) known = known_generation(*where.opened, status, mode, cold, rewritten);
    if (cold) return look_later(where, now.steady + 2ms);

    const auto& target = where.target->target;
    const auto age_s = now.wall_ms / 1000 - status.modified / 1'000'000'000;
    if (!known && target.ignore_older_s > 0 &&
        age_s > static_cast<std::int64_t>(target.ignore_older_s)) {
        where.opened.reset();
        return fail(where, "waiting", "not modified for longer than ignore_older_s", now);
    }
    if (rewritten) end_former_lives(where, *where.opened, now);
    if (known) {
        const auto reader = active_.find({known->id, target.topic});
        if (reader != active_.end()) {
            where.opened.reset();
            return fail(where, "shadowed",
                        "is being read as " + std::string{reader->second->path()}, now);
        }
        bool usable = true;
        auto from = resumed(where, *known, status, usable, cold);
        if (cold) return look_later(where, now.steady + 2ms);
        if (usable) return begin_tailing(where, std::move(from), now);
        rewritten = true;
        lost_unwatched(where, std::move(from), now);
    }
    const bool successor = rewritten || where.followed;
    auto from = fresh_start(where, status, head, successor, now);
    if (!from.position.done.empty()) {
        const auto whole = end_of_whole_lines(*where.opened, status.size, mode);
        if (!whole) return look_later(where, now.steady + 2ms);
        skip_to(from.position, *whole);
    }
    begin_tailing(where, std::move(from), now);
}

std::optional<checkpoint::generation_record> collector::known_generation(
    const os::file& file, const os::file_status& status, os::file::read_mode mode, bool& cold,
    bool& rewritten) const {
    const auto& generations = store_.state().generations;
    const checkpoint::generation_record* best = nullptr;
    const auto [first, last] = by_inode_.equal_range(status.inode);
    for (auto at = first; at != last; ++at) {
        const auto found = generations.find(at->second);
        if (found == generations.end()) continue;
        const auto& record = found->second;
        if (!may_be_same_inode(status, record.identity)) continue;
        const tail::look head = check_head(file, record.identity, mode);
        if (head == tail::look::cold) {
            cold = true;
            return std::nullopt;
        }
        if (head != tail::look::same) {
            rewritten = true;
            continue;
        }
        // A longer head says more; of equal ones the youngest life is meant.
        const auto rank = [](const checkpoint::generation_record& each) {
            return std::pair{each.identity.head_size, each.first_seen_ms};
        };
        if (!best || rank(record) > rank(*best)) best = &record;
    }
    if (!best) return std::nullopt;
    return *best;
}

tailer::start collector::resumed(const source& where, checkpoint::generation_record generation,
                                 const os::file_status& status, bool& usable, bool& cold,
                                 bool may_be_copy) {
    const auto& target = where.target->target;
    tailer::start from{std::move(generation), {}, true};
    const auto mode = os::file::read_mode::blocking;
    const auto& positions = store_.state().positions;
    const auto found = positions.find({from.generation.id, target.topic});
    if (found == positions.end()) {
        from.position.generation = from.generation.id;
        from.position.topic = target.topic;
        from.position.log_path = target.log_path;
        from.position.size = status.size;
        from.recorded = false;
        const bool from_end =
            where.target->first_application && target.start == fleet::start_at::end;
        if (const auto* const earlier = earlier_position(from.generation.id, target)) {
            take_over(*earlier, status.size, from.position);
        } else {
            const auto begin =
                from_end
                    ? end_of_whole_lines(*where.opened, status.size, mode).value_or(status.size)
                    : 0;
            skip_to(from.position, std::min(begin, status.size));
        }
        return from;
    }
    from.position = found->second;
    from.position.log_path = target.log_path;
    const auto seen = check_anchors(*where.opened, from.position, mode, status.size);
    cold = seen == tail::look::cold;
    if (cold) return from;
    // Bytes that cannot be read are not other bytes: the reading itself will tell.
    from.cut_short = may_be_copy && ends_before(from.position, status.size);
    // Of a file that was empty when it was recorded only the size tells that it was truncated
    // since.
    const bool shrunk = from.generation.identity.head_size == 0 && from.position.size > status.size;
    usable = (from.cut_short || from.position.newest() <= status.size) &&
             seen != tail::look::different && !shrunk;
    return from;
}

// This inode had other heads before, and nobody was there to see them go.
void collector::end_former_lives(source& where, const os::file& file, const moment& now) {
    os::file_status status;
    if (file.status(status) != 0) return;
    std::vector<tailer::start> ended;
    const auto [first, last] = by_inode_.equal_range(status.inode);
    for (auto at = first; at != last; ++at) {
        const auto known = store_.state().generations.find(at->second);
        if (known == store_.state().generations.end()) continue;
        const auto& record = known->second;
        if (record.path != where.path || record.packed) continue;
        if (!may_be_same_inode(status, record.identity)) continue;
        const checkpoint::state::position_key key{record.id, where.target->target.topic};
        auto position = wanted_position(where, record.id);
        if (!position || active_.contains(key)) continue;
        const auto mode = os::file::read_mode::blocking;
        if (check_head(file, record.identity, mode) != tail::look::different) continue;
        ended.push_back({record, std::move(*position), true});
    }
    for (auto& each : ended)
        lost_unwatched(where, std::move(each), now);
}

// Truncated or rewritten while nobody looked: what was not read of that life is gone, unless there
// is a copy.
void collector::lost_unwatched(source& where, tailer::start from, const moment& now) {
    auto& position = from.position;
    const checkpoint::state::position_key key{from.generation.id, position.topic};
    const bool reported = std::none_of(closing_.begin(), closing_.end(), [&](const auto& one) {
        return one->generation().id == key.first && one->sends_to().name() == key.second;
    });
    if (!reported) {
        rewritten_closing_.insert(key);
        return;
    }
    ++totals_.truncations;
    const auto classed = position.classed();
    const auto lost = position.size > classed ? position.size - classed : 0;
    if (continue_elsewhere(where, from.generation, position, now)) return;
    LOGAGENT_LOG(warn, "tail.truncated",
                 where.path << ": rewritten while it was not watched; " << lost
                            << " bytes of its former content are lost, the new one is read from 0");
    if (lost > 0) {
        position.counts[static_cast<std::size_t>(byte_class::truncated_away)] += lost;
        store_.note({0,
                     from.generation.id,
                     from.generation.path.str(),
                     position.topic.str(),
                     byte_class::truncated_away,
                     {position.committed(), position.size},
                     lost,
                     now.wall_ms,
                     "rewritten while the agent was not watching"});
    }
    store_.put(position);
    forget_generation(from.generation.id);
}

const checkpoint::position_record* collector::earlier_position(
    const checkpoint::generation_id& id, const fleet::log_target& target) const {
    // The topic of a known path was edited: the new one begins where the old one had come to.
    for (const auto& [key, position] : store_.state().positions) {
        if (key.first != id || position.log_path != target.log_path) continue;
        // A topic that is still wanted was not edited away: this one is a further one.
        const bool stays = std::any_of(targets_.begin(), targets_.end(), [&](const auto& each) {
            return each->target.log_path == target.log_path && each->target.topic == position.topic;
        });
        if (stays) continue;
        return &position;
    }
    return nullptr;
}

tailer::start collector::fresh_start(const source& where, const os::file_status& status,
                                     const checkpoint::file_identity& head, bool rewritten,
                                     const moment& now) const {
    const auto& target = *where.target;
    tailer::start from;
    // By these times the next process puts what is not finished in order, so no two are the same,
    // and a clock that was set back does not turn them round.
    auto seen_ms = now.wall_ms;
    for (const auto& one : where.tailers)
        seen_ms = std::max(seen_ms, one->generation().first_seen_ms + 1);
    from.generation = {checkpoint::generation_id::random(), where.path, head, seen_ms};
    from.position.generation = from.generation.id;
    from.position.topic = target.target.topic;
    from.position.log_path = target.target.log_path;
    from.position.size = status.size;
    // Birth times come from a clock with ticks of up to 10 ms, so a file that is younger than the
    // target by a moment must not count as older: its first lines would be lost.
    constexpr std::int64_t tick_ms = 10;
    const bool born_before = status.birth_time / 1'000'000 + tick_ms < target.applied_ms;
    const bool existed = status.birth_time != 0
                             ? born_before && (!target.first_application || !where.looked)
                             : target.first_application && !where.looked;
    if (existed && !rewritten && target.target.start == fleet::start_at::end && status.size > 0) {
        skip_to(from.position, status.size);
    }
    return from;
}

void collector::begin_tailing(source& where, tailer::start from, const moment&) {
    if (!from.recorded) {
        store_.put(from.generation);
        store_.put(from.position);
        know_by_inode(from.generation);
    }
    LOGAGENT_LOG(info, "tail.opened",
                 where.path << ": generation " << from.generation.id.text() << " from "
                            << from.position.newest());
    const auto id = from.generation.id;
    auto fresh = std::make_unique<tailer>(services_, where.target, where.path,
                                          std::move(where.opened), std::move(from), where.limit);
    fresh->source = &where;
    if (options_.once) fresh->accept_partial();
    active_[{id, where.target->target.topic}] = fresh.get();
    where.tailers.push_back(std::move(fresh));
    where.state = "tailing";
    where.error = {};
    where.looked = true;
    where.followed = true;
    make_ready(*where.tailers.back());
}

void collector::know_by_inode(const checkpoint::generation_record& record) {
    // Of a generation that goes to another topic now it is there already.
    const auto [first, last] = by_inode_.equal_range(record.identity.inode);
    const bool listed =
        std::any_of(first, last, [&](const auto& each) { return each.second == record.id; });
    if (!listed) by_inode_.emplace(record.identity.inode, record.id);
}

void collector::truncated(source& where, tailer& old) {
    ++totals_.truncations;
    LOGAGENT_LOG(warn, "tail.truncated",
                 where.path << ": truncated or rewritten at " << old.read_offset()
                            << "; the new content is read from 0");
    os::file_status of_file;
    os::file_status at_path;
    const bool readable = old.file() && old.file()->status(of_file) == 0;
    const bool here = !old.draining() && disk_.status(where.path, at_path) == 0 &&
                      at_path.inode == of_file.inode && at_path.device == of_file.device;
    old.end(byte_class::truncated_away, "truncated or rewritten before it was read");
    // Its inode belongs to the next life from now on.
    std::erase_if(by_inode_, [&](const auto& each) { return each.second == old.generation().id; });
    checkpoint::file_identity head{
        of_file.device, of_file.inode, of_file.generation, of_file.birth_time, 0, 0};
    // The next life begins in the same open file: it may be moved away before the next look.
    const auto mode = os::file::read_mode::blocking;
    const bool follows = readable && !old.packed() &&
                         read_head(*old.file(), of_file.size, mode, head) == tail::look::same;
    if (follows) {
        auto from = fresh_start(where, of_file, head, /*rewritten=*/true, now_);
        if (here) {
            where.opened = old.take_file();
            begin_tailing(where, std::move(from), now_);
        } else {
            begin_draining(where, std::move(from), where.path.str(), old.take_file(), now_, &old);
        }
    }
    if (old.idle())
        finish(where, old, now_);
    else
        make_ready(old);  // what has failed of it is still to be sent again
    want_look(where);
}

void collector::finish(source& where, tailer& which, const moment& now) {
    os::file_status status;
    const bool gone = !which.file() || (which.file()->status(status) == 0 && status.links == 0);
    if (!which.ended() && which.unsettled() > 0)
        which.end(byte_class::vanished, "not in the file any more");
    if (gone) lived(where.path, which.generation().first_seen_ms, now);
    const bool truncated = which.ended() && which.lost_as() == byte_class::truncated_away;
    detach(which);
    const auto generation = which.generation();
    const bool given_up = which.ended() && which.lost_as() == byte_class::abandoned;
    // The copy that copytruncate made has what could not be read in time, and a compressed one what
    // there was no more room to hold.
    const bool goes_on = (truncated || given_up) && !which.packed() &&
                         continue_elsewhere(where, generation, which.position(), now, &which);
    if (!goes_on) {
        if (which.ended() && which.unsettled() > 0)
            LOGAGENT_LOG(warn, "tail.lost",
                         where.path << ": " << which.unsettled() << " bytes from "
                                    << which.position().committed()
                                    << " on are lost: " << which.lost_reason());
        if (which.ended()) which.write_off(now);
        store_.put(which.position());
        // What still lies somewhere stays known: under another name it must not be read again. It
        // goes away with the last topic that wants it: forgetting takes all positions along.
        const auto other = active_.lower_bound({generation.id, {}});
        const bool wanted = other != active_.end() && other->first.first == generation.id;
        if ((gone || truncated) && !wanted)
            forget_generation(generation.id);
        else if (!truncated)
            watched_to_end_.insert(generation.id);
        if (generation.packed && !wanted && store_.state().generations.contains(generation.id))
            store_.put(generation);
    }
    std::erase_if(where.tailers, [&](const auto& one) { return one.get() == &which; });
    for (const auto& one : where.tailers)
        make_ready(*one);
    if (where.tailers.empty() && where.state == "tailing") where.state = "waiting";
}

void collector::watch_directories(source& where, std::vector<std::string> directories,
                                  const std::string& real_path) {
    if (!real_path.empty() && real_path != where.path && real_path != where.real_path) {
        if (!where.real_path.empty()) forget_path(where.real_path, where);
        where.real_path = real_path;
        by_path_.emplace(where.real_path, &where);
    }
    if (directories.empty()) directories.push_back(parent_of(where.path));
    if (where.watched && directories == *where.watched) return;
    const auto before = std::exchange(where.watched, nullptr);
    std::vector<std::string> watched;
    where.polled = false;
    for (std::string& directory : directories) {
        int code = watches_.watch(directory);
        // A directory that is not there yet is waited for in the nearest one that is.
        while ((code == ENOENT || code == ENOTDIR) && directory != "/") {
            directory = parent_of(directory);
            code = watches_.watch(directory);
        }
        if (code == 0)
            watched.push_back(std::move(directory));
        else
            where.polled = true;
    }
    where.watched = shared_list(std::move(watched));
    if (!before) return;
    for (const auto& directory : *before)
        watches_.unwatch(directory);
}

collector::directory_list collector::shared_list(std::vector<std::string> directories) {
    if (directories.empty()) return nullptr;
    if (!watched_last_ || *watched_last_ != directories)
        watched_last_ = std::make_shared<const std::vector<std::string>>(std::move(directories));
    return watched_last_;
}

void collector::forget_watched(source& where, std::string_view directory) {
    if (!where.watched) return;
    auto left = *where.watched;
    std::erase(left, directory);
    where.watched = shared_list(std::move(left));
}

void collector::unwatch_directories(source& where) {
    if (where.watched)
        for (const auto& directory : *where.watched)
            watches_.unwatch(directory);
    where.watched.reset();
    if (!where.real_path.empty()) forget_path(where.real_path, where);
    where.real_path = {};
}

void collector::forget_path(std::string_view path, source& where) {
    const auto [first, last] = by_path_.equal_range(path);
    for (auto at = first; at != last; ++at) {
        if (at->second != &where) continue;
        by_path_.erase(at);
        return;
    }
}

}  // namespace logagent::tail
