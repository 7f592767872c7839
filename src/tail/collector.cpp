#include "logagent/tail/collector.hpp"

#include <algorithm>

#include "logagent/base/glob.hpp"
#include "logagent/base/log.hpp"
#include "logagent/fleet/diff.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "source.hpp"

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;

// One turn: enough to keep the pipeline full, little enough that a loop turn stays far below the
// 50 ms that DESIGN 6 allows (an opening is about 30 us, a step of 256 KiB about 500 us).
constexpr int looks_a_turn = 64;
constexpr int steps_a_turn = 16;
constexpr int swept_a_turn = 200;

constexpr std::uint64_t calm_bytes = 512 << 10;  // in flight
constexpr std::uint64_t burst_bytes = 2 << 20;

}  // namespace

collector::collector(collector_options options, os::disk& disk, directory_watch& watches,
                     checkpoint::store& store, kafka::producer& main, kafka::producer& careful)
    : options_{std::move(options)},
      disk_{disk},
      watches_{watches},
      store_{store},
      budget_{options_.in_flight_bytes},
      chunks_{budget_},
      topics_{main, careful},
      builder_{chunks_},
      host_limit_{options_.max_send_rate_bytes, time_point{}},
      services_{main,  careful,       topics_,     budget_, chunks_, builder_,
                store, options_.host, host_limit_, {},      totals_, options_.rotate_wait},
      careful_reports_{*this} {
    services_.save = [this] {
        save_positions();
        return store_.write();
    };
    services_.bury = [this](std::unique_ptr<dead_letter> letter) {
        dead_letters_.push_back(std::move(letter));
        next_letters_ = {};
    };
    for (const auto& [id, generation] : store_.state().generations) {
        by_inode_.emplace(generation.identity.inode, id);
        unclaimed_.emplace(hash(generation.path), id);
    }
}

collector::~collector() = default;

std::shared_ptr<live_target> collector::find_target(const fleet::log_target& wanted) const {
    for (const auto& each : targets_)
        if (each->target.log_path == wanted.log_path && each->target.topic == wanted.topic)
            return each;
    return nullptr;
}

void collector::apply(std::vector<fleet::log_target> wanted, const moment& now) {
    now_ = now;
    std::vector<fleet::log_target> running;
    for (const auto& each : targets_)
        running.push_back(each->target);
    const auto change = fleet::diff(running, wanted);
    for (const auto& gone : change.stopped)
        stop_target(gone);

    std::vector<std::shared_ptr<live_target>> next;
    for (std::size_t order = 0; order < wanted.size(); ++order) {
        auto kept = find_target(wanted[order]);
        if (kept && kept->target == wanted[order]) {
            kept->order = order;
            next.push_back(std::move(kept));
            continue;
        }
        auto fresh = std::make_shared<live_target>(wanted[order], order);
        const auto recorded =
            store_.state().targets.find({fresh->target.log_path, fresh->target.topic});
        fresh->first_application = recorded == store_.state().targets.end();
        for (const auto& [key, target] : store_.state().targets)
            fresh->edited = fresh->edited || (key.first == fresh->target.log_path &&
                                              key.second != fresh->target.topic);
        fresh->applied_ms = fresh->first_application ? now.wall_ms : recorded->second.applied_ms;
        if (kept) {
            fresh->first_application = kept->first_application;
            fresh->applied_ms = kept->applied_ms;
            replace_target(kept, fresh);
        }
        next.push_back(std::move(fresh));
    }
    targets_ = std::move(next);
    searches_.clear();  // for targets that are gone or were replaced; all globs are searched below
    over_limit_ = 0;
    topics_.want_none();
    for (const auto& target : targets_) {
        topics_.get(target->target.topic);
        if (!target->target.is_glob()) claim(target->target.log_path, target);
    }
    for (const auto& target : targets_) {
        if (!target->target.is_glob()) continue;
        search(target, std::string{base::glob_directory(target->target.log_path)});
    }
    asked_ = true;
    applying_ = true;
    listed_.clear();
}

void collector::replace_target(const std::shared_ptr<live_target>& old,
                               const std::shared_ptr<live_target>& fresh) {
    const auto& target = fresh->target;
    for (auto at = sources_.begin(); at != sources_.end();) {
        const auto current = at++;
        source& where = *current->second;
        if (where.target != old) continue;
        if (target.is_glob() && fleet::excludes(target, where.path)) {
            close_source(current);
            continue;
        }
        where.target = fresh;
        where.limit.set_rates(target.send_rate, target.send_rate_bytes, now_.steady);
        for (const auto& one : where.tailers) {
            one->retarget(fresh);
            make_ready(*one);
        }
    }
}

void collector::stop_target(const fleet::log_target& target) {
    const auto stopped = find_target(target);
    for (auto at = sources_.begin(); at != sources_.end();) {
        const auto next = std::next(at);
        if (at->second->target == stopped) close_source(at);
        at = next;
    }
}

void collector::close_source(std::map<source_key, std::unique_ptr<source>>::iterator gone) {
    source& where = *gone->second;
    unwatch_directories(where);
    forget_path(where.path, where);
    for (auto& one : where.tailers) {
        one->stop_reading();
        store_.put(one->position());
        // Should its target return, it may have left its path meanwhile.
        unclaimed_.emplace(hash(where.path), one->generation().id);
        // Nor may it be forgotten that its file has another life now: that brings its copy.
        know_by_inode(one->generation());
        detach(*one);
        // Reports of what is in flight still come and move the saved position.
        if (!one->quiet()) {
            one->source = nullptr;
            one->take_file();  // it reads no more, and the file may be deleted
            closing_.push_back(std::move(one));
        }
    }
    room_freed_ = true;
    std::erase(looks_, &where);
    std::erase_if(look_timers_, [&](const auto& timer) { return timer.second == &where; });
    sources_.erase(gone);
    room_freed_ = true;
}

void collector::claim(std::string_view path, const std::shared_ptr<live_target>& target) {
    source_key key{std::string{path}, target->target.topic};
    const auto found = sources_.find(key);
    if (found != sources_.end()) {
        // An exact path beats a glob, a longer literal prefix a shorter one, then array order.
        const auto rank = [](const live_target& each) {
            const auto prefix = base::glob_literal_prefix(each.target.log_path).size();
            return std::tuple{each.target.is_glob(), -static_cast<long>(prefix), each.order};
        };
        source& where = *found->second;
        if (where.target == target || rank(*where.target) <= rank(*target)) return;
        where.target = target;
        where.limit.set_rates(target->target.send_rate, target->target.send_rate_bytes,
                              now_.steady);
        for (const auto& one : where.tailers)
            one->retarget(target);
        return;
    }
    if (sources_.size() >= options_.most_files) {
        ++over_limit_;
        return;
    }
    const auto added = sources_.emplace(std::move(key), nullptr).first;
    added->second = std::make_unique<source>(added->first.path, target, now_.steady);
    source& where = *added->second;
    by_path_.emplace(where.path, &where);
    watch_directories(where, {}, {});
    want_look(where);
}

bool collector::applied() const noexcept {
    return !applying_;
}

void collector::note_applied(const moment& now) {
    if (!asked_ || !searches_.empty()) return;
    for (const auto& [key, where] : sources_)
        if (!where->looked) return;
    for (const auto& target : targets_) {
        if (!target->first_application) continue;
        target->first_application = false;
        store_.put(
            checkpoint::target_record{target->target.log_path, target->target.topic, now.wall_ms});
    }
    save_positions();
    store_.write();
    applying_ = false;
}

time_point collector::turn(const moment& now) {
    now_ = now;
    if (!applying_) listed_.clear();
    bool more = false;
    for (int left = looks_a_turn; left > 0 && !looks_.empty(); --left) {
        source& where = *looks_.front();
        looks_.pop_front();
        where.look_queued = false;
        look(where, now);
        if (abandoned_by_glob(where))
            close_source(sources_.find({where.path, where.target->target.topic}));
    }
    more = !looks_.empty() || search_some();
    if (applying_) note_applied(now);

    fire_timers(now.steady);
    close_quiet(now);
    if (room_freed_ && !budget_.blocked()) {
        room_freed_ = false;
        wake(wait_room_, &tailer::hooks::wants_room);
    }
    for (int left = steps_a_turn; left > 0 && !ready_.empty(); --left) {
        tailer& next = *ready_.front();
        ready_.pop_front();
        next.links.ready = false;
        run_one(next, now);
    }
    send_dead_letters();
    more = more || !ready_.empty() || sweep_some(now) || !looks_.empty();
    if (!more && !applying_ && !stopping_) more = review_some(now);
    if (more) return now.steady;

    time_point next = next_sweep_;
    if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
    if (!look_timers_.empty()) next = std::min(next, look_timers_.begin()->first);
    if (!dead_letters_.empty()) next = std::min(next, next_letters_);
    return next;
}

void collector::make_ready(tailer& which) {
    if (which.links.ready) return;
    which.links.ready = true;
    ready_.push_back(&which);
}

// What failed of a stopped target is not sent again, and what it held is free.
void collector::close_quiet(const moment& now) {
    const auto open = std::partition(closing_.begin(), closing_.end(),
                                     [](const auto& one) { return !one->quiet(); });
    if (open == closing_.end()) return;
    const std::vector<std::unique_ptr<tailer>> closed{std::move_iterator{open},
                                                      std::move_iterator{closing_.end()}};
    closing_.erase(open, closing_.end());
    room_freed_ = true;
    for (const auto& one : closed) {
        const auto& known = one->generation();
        const auto& topic = one->sends_to().name();
        const bool rewritten = rewritten_closing_.erase({known.id, topic}) > 0;
        const auto found = sources_.find({known.path, topic});
        if (found == sources_.end()) continue;
        const auto position = wanted_position(*found->second, known.id);
        if (rewritten && position) lost_unwatched(*found->second, {known, *position, true}, now);
        for (const auto& next : found->second->tailers)
            make_ready(*next);
    }
}

// Its target was stopped and is back. What the former reader has in flight may be on another
// producer, and would come behind what is sent anew.
bool collector::follows_closing(const tailer& which) const {
    return std::any_of(closing_.begin(), closing_.end(), [&](const auto& one) {
        return one->generation().path == which.generation().path &&
               one->sends_to().name() == which.sends_to().name() && !one->quiet();
    });
}

std::uint64_t collector::readable_to(const tailer& which) {
    if (stopping_ || !which.source || follows_closing(which)) return 0;
    const auto& where = *static_cast<const source*>(which.source);
    // There is no jumping in what is packed, so newer lines do not wait for it but it for them.
    const bool live_first = where.target->target.overload == fleet::overload_policy::live_first;
    if (live_first && which.packed() && !may_fill(which)) return 0;
    if (where.tailers.front().get() == &which) return tailer::no_bound;
    // The old generation is sent before the new one, so order holds over rotations. A writer may
    // go on in the old file for a while: what it wrote there before it began here must be seen,
    // so the size here is taken before the old files are looked at, and nothing beyond it is read.
    // Into a compressed file nobody writes, and its size is not known before it is unpacked.
    const std::uint64_t bound = which.packed() ? tailer::no_bound : which.file_size();
    bool front = true;
    for (const auto& one : where.tailers) {
        if (one.get() == &which) break;
        if (live_first && one->packed() != which.packed()) continue;
        front = false;
        if (one->ended()) {
            if (!one->idle()) return 0;
            continue;
        }
        if (one->grown()) make_ready(*one);
        // What cannot be read must not hold up what comes after it.
        if (one->now() == tailer::state::error && one->idle()) continue;
        if (!one->caught_up()) return 0;
    }
    return front ? tailer::no_bound : bound;
}

/// Of one path the newest lines come first, then its holes, the oldest first.
bool collector::may_fill(const tailer& which) {
    if (stopping_ || !which.source) return false;
    const auto& where = *static_cast<const source*>(which.source);
    bool older = true;
    for (const auto& one : where.tailers) {
        if (one.get() == &which) {
            older = false;
            continue;
        }
        const bool stuck = one->now() == tailer::state::error && one->idle();
        if (one->ended() || stuck) continue;
        if (one->packed() || (older && one->has_holes())) {
            if (older) return false;
            continue;
        }
        if (one->grown()) make_ready(*one);
        if (!one->read_out()) return false;
    }
    return true;
}

void collector::wake_behind(tailer& which) {
    const auto& where = *static_cast<const source*>(which.source);
    if (where.tailers.size() < 2) return;
    for (const auto& one : where.tailers)
        if (one.get() != &which && (one->has_holes() || one->packed())) make_ready(*one);
}

void collector::run_one(tailer& which, const moment& now) {
    cancel_timer(which);
    if (std::exchange(which.links.inspect, false) && which.source && which.reading() &&
        !which.inspect()) {
        truncated(*static_cast<source*>(which.source), which);
        return;
    }
    const bool was_behind = !which.caught_up();
    const bool was_read_out = which.read_out();
    const bool had_holes = which.has_holes();
    const auto holes_before = which.hole_bytes();
    if (had_holes) which.allow_filling(may_fill(which));
    const wish wanted = which.step(now, readable_to(which));
    if (which.hole_bytes() > holes_before)
        LOGAGENT_LOG(info, "tail.jumped",
                     which.path() << ": goes on at " << which.read_offset() << ", "
                                  << which.hole_bytes()
                                  << " bytes before that are sent when nothing newer waits");
    if (which.take_dirty()) mark_dirty(which);
    if (wanted.then == wish::what::replaced) {
        if (which.source) truncated(*static_cast<source*>(which.source), which);
        return;
    }
    if (wanted.then == wish::what::settled) {
        if (which.source) finish(*static_cast<source*>(which.source), which, now);
        return;
    }
    if (which.ended() && which.idle() && which.source) {
        finish(*static_cast<source*>(which.source), which, now);
        return;
    }
    const bool open = (!was_read_out && which.read_out()) || (had_holes && !which.has_holes());
    if ((open || which.now() == tailer::state::error) && which.source) wake_behind(which);
    // A successor waits for this moment.
    if (was_behind && which.caught_up() && which.draining()) after_report(which);
    obey(which, wanted, now);
}

void collector::obey(tailer& which, const wish& wanted, const moment& now) {
    switch (wanted.then) {
        case wish::what::again:
            make_ready(which);
            return;
        case wish::what::at:
            if (wanted.when <= now.steady)
                make_ready(which);
            else
                set_timer(which, wanted.when);
            return;
        case wish::what::room:
            if (!std::exchange(which.links.wants_room, true)) wait_room_.push_back(&which);
            if (wanted.when != time_point{}) set_timer(which, wanted.when);
            return;
        case wish::what::topic:
            if (!std::exchange(which.links.wants_topic, true)) wait_topic_.push_back(&which);
            if (wanted.when != time_point{}) set_timer(which, wanted.when);
            return;
        default:
            return;
    }
}

void collector::set_timer(tailer& which, time_point when) {
    cancel_timer(which);
    timers_.emplace(when, &which);
    which.links.timer = when;
}

void collector::cancel_timer(tailer& which) {
    if (which.links.timer == time_point{}) return;
    auto [at, end] = timers_.equal_range(which.links.timer);
    for (; at != end; ++at) {
        if (at->second != &which) continue;
        timers_.erase(at);
        break;
    }
    which.links.timer = {};
}

void collector::fire_timers(time_point now) {
    while (!timers_.empty() && timers_.begin()->first <= now) {
        tailer& which = *timers_.begin()->second;
        timers_.erase(timers_.begin());
        which.links.timer = {};
        make_ready(which);
    }
    while (!look_timers_.empty() && look_timers_.begin()->first <= now) {
        source& where = *look_timers_.begin()->second;
        look_timers_.erase(look_timers_.begin());
        where.look_at = {};
        want_look(where);
    }
}

void collector::wake(std::vector<tailer*>& waiting, bool tailer::hooks::*flag) {
    for (tailer* which : std::exchange(waiting, {})) {
        which->links.*flag = false;
        make_ready(*which);
    }
}

void collector::detach(tailer& which) {
    cancel_timer(which);
    std::erase(ready_, &which);
    if (which.links.wants_room) std::erase(wait_room_, &which);
    if (which.links.wants_topic) std::erase(wait_topic_, &which);
    if (which.links.dirty_listed) std::erase(dirty_, &which);
    which.links = {};
    const auto mine = active_.find({which.generation().id, which.sends_to().name()});
    if (mine != active_.end() && mine->second == &which) active_.erase(mine);
}

bool collector::sweep_some(const moment& now) {
    if (!sweeping_) {
        if (now.steady < next_sweep_ && !std::exchange(sweep_soon_, false)) return false;
        sweeping_ = true;
        sweep_at_ = {};
        begin_review();
        limit_held(now);
        over_limit_ = 0;  // counted anew
        for (const auto& target : targets_) {
            if (target->target.is_glob())
                search(target, std::string{base::glob_directory(target->target.log_path)});
            else
                claim(target->target.log_path, target);
        }
    }
    auto at = sources_.upper_bound(sweep_at_);
    for (int left = swept_a_turn; left > 0 && at != sources_.end(); --left, ++at) {
        want_look(*at->second);
        sweep_at_ = at->first;
    }
    if (at != sources_.end()) return true;
    sweeping_ = false;
    const bool fast = polled_files() > 0;
    next_sweep_ = now.steady + (fast ? options_.fast_sweep_interval : options_.sweep_interval);
    return !looks_.empty();
}

void collector::stop_reading() {
    stopping_ = true;
    looks_.clear();
    searches_.clear();
    for (const auto& [key, where] : sources_) {
        where->look_queued = false;
        for (const auto& one : where->tailers)
            one->stop_reading();
    }
}

bool collector::drained() const noexcept {
    bool all = dead_letters_.empty();
    for (const auto& [key, where] : sources_)
        for (const auto& one : where->tailers)
            all = all && one->idle();
    // Of a target that was stopped only the reports are waited for: what failed is not sent again.
    for (const auto& one : closing_)
        all = all && one->quiet();
    return all;
}

std::uint64_t collector::blocked_bytes() const noexcept {
    std::uint64_t bytes = 0;
    for_each_tailer([&](const tailer& one) {
        if (!one.sends_to().open()) bytes += one.unread();
    });
    return bytes;
}

bool collector::finished() const noexcept {
    if (applying_ || !looks_.empty() || !ready_.empty() || !dead_letters_.empty()) return false;
    bool all = true;
    for (const auto& [key, where] : sources_) {
        all = all && !where->opened;
        for (const auto& one : where->tailers)
            all = all && one->caught_up() && one->unread() == 0 && !one->has_holes();
    }
    return all;
}

bool collector::calm_after_burst() noexcept {
    if (budget_.used() > calm_bytes || budget_.take_peak() < burst_bytes) return false;
    chunks_.trim();
    return true;
}

void collector::mark_dirty(tailer& which) {
    if (std::exchange(which.links.dirty_listed, true)) return;
    dirty_.push_back(&which);
}

void collector::save_positions() {
    for (tailer* which : std::exchange(dirty_, {})) {
        which->links.dirty_listed = false;
        store_.put(which->position());
    }
}

}  // namespace logagent::tail
