// Delivery reports and dead letters, and what the collector shows to people.
#include <algorithm>
#include <cassert>

#include "logagent/base/log.hpp"
#include "logagent/tail/forecast.hpp"
#include "source.hpp"

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;

constexpr auto letter_retry = 5s;
constexpr auto letter_spill = 60s;
constexpr int spills_a_turn = 2;  // each of them waits for the disk
constexpr auto slow_report = 3s;

tailer& owner_of(const delivery::run& which) {
    return *static_cast<tailer*>(which.owner);
}

std::string_view text(tailer::state state) {
    switch (state) {
        case tailer::state::waiting:
            return "waiting";
        case tailer::state::tailing:
            return "tailing";
        case tailer::state::throttled:
            return "throttled";
        case tailer::state::error:
            return "error";
        case tailer::state::draining:
            return "draining";
        case tailer::state::done:
            return "done";
    }
    return "error";
}

}  // namespace

void collector::delivered(void* batch, std::uint32_t count) {
    auto* const what = static_cast<delivery::batch*>(batch);
    if (what->what == delivery::batch::kind::dead_letter)
        return dead_letter_done(*static_cast<dead_letter*>(what));
    auto& run = *static_cast<delivery::run*>(what);
    tailer& owner = owner_of(run);
    const auto before = owner.acked_offset();
    owner.delivered(run, count, now_);
    acked_bytes_ += owner.acked_offset() - before;
    after_report(owner.whole());
}

void collector::failed(void* batch, const char* value, kafka::error code, bool) {
    auto* const what = static_cast<delivery::batch*>(batch);
    if (what->what == delivery::batch::kind::dead_letter) {
        auto& letter = *static_cast<dead_letter*>(what);
        letter.in_flight = false;
        letter.next_try = now_.steady + letter_retry;
        next_letters_ = std::min(next_letters_, letter.next_try);
        return;
    }
    auto& run = *static_cast<delivery::run*>(what);
    tailer& owner = owner_of(run);
    LOGAGENT_LOG(warn, "delivery.failed",
                 owner.path() << " to " << owner.sends_to().name() << ": " << kafka::text(code)
                              << "; sent again from " << run.begin);
    owner.failed(run, value, code, now_);
    after_report(owner.whole());
}

void collector::abandoned() {
    abandon(false);
}

void collector::abandon(bool careful) {
    for_each_tailer([&](tailer& one) {
        one.abandoned(careful, now_);
        after_report(one);
    });
    if (!careful) return;
    for (const auto& letter : dead_letters_)
        letter->in_flight = false;
    next_letters_ = {};
}

void collector::after_report(tailer& which) {
    room_freed_ = true;
    if (which.take_dirty() && which.source) mark_dirty(which);
    if (!which.source) {
        // What was given up meanwhile must not come back.
        if (store_.state().generations.contains(which.generation().id))
            store_.put(which.position());
        return;
    }
    // A file that has nothing more to do is not read again for every acknowledgement.
    if (!which.caught_up() || which.draining() || which.has_holes()) make_ready(which);
    if (!which.draining()) return;
    // Its successor may have waited for this.
    for (const auto& one : static_cast<source*>(which.source)->tailers)
        make_ready(*one);
}

void collector::send_dead_letters() {
    if (dead_letters_.empty() || now_.steady < next_letters_) return;
    next_letters_ = now_.steady + 1s;
    std::vector<dead_letter*> kept;
    int spills = spills_a_turn;
    for (const auto& letter : dead_letters_) {
        if (letter->in_flight || now_.steady < letter->next_try) continue;
        const auto& topic = topics_.get(letter->topic);
        const bool late = now_.steady - letter->first_try >= letter_spill;
        if (late && options_.spill) {
            if (spills-- == 0) {
                next_letters_ = now_.steady;
                break;
            }
            if (options_.spill(*letter)) {
                kept.push_back(letter.get());
                continue;
            }
            letter->next_try = now_.steady + letter_retry;
        }
        if (!topic.open()) continue;
        const kafka::record record{
            letter->value.data(), static_cast<std::uint32_t>(letter->value.size()),
            letter->key.data(), static_cast<std::uint32_t>(letter->key.size())};
        const kafka::header headers[] = {{"logagent.reason", letter->reason},
                                         {"logagent.range", letter->range}};
        const auto code =
            services_.careful.produce_with_headers(topic.careful_handle(), -1, record, headers,
                                                   static_cast<delivery::batch*>(letter.get()));
        letter->in_flight = code == kafka::error::none;
        if (!letter->in_flight) letter->next_try = now_.steady + letter_retry;
    }
    for (dead_letter* each : kept)
        dead_letter_done(*each);
}

void collector::dead_letter_done(dead_letter& which) {
    delivery::run& from = *which.from;
    tailer& owner = owner_of(from);
    std::erase_if(dead_letters_, [&](const auto& each) { return each.get() == &which; });
    --from.buried;
    owner.letter_stored(from, now_);
    after_report(owner.whole());
}

std::vector<std::string> collector::due_topics(const moment& now) {
    // A partition that lost its leader reports nothing at all: ask when reports are late.
    const bool waiting = services_.main.outstanding() + services_.careful.outstanding() > 0;
    if (!waiting) return topics_.due(now.steady);
    for_each_tailer([&](const tailer& one) {
        if (!one.quiet() && now.steady - one.oldest_sent() > slow_report)
            if (auto* const slow = topics_.find(one.sends_to().name()))
                slow->describe_by(now.steady + 1s);
    });
    return topics_.due(now.steady);
}

void collector::described(const kafka::topic_description& answer, const moment& now) {
    now_ = now;
    auto* const known = topics_.find(answer.topic);
    if (!known) return;
    const auto before = known->now();
    known->described(answer, now.steady);
    if (before != known->now()) {
        if (known->open())
            LOGAGENT_LOG(info, "delivery.topic_open",
                         answer.topic << ": " << answer.partitions.size() << " partitions");
        else
            LOGAGENT_LOG(warn, "delivery.topic_parked",
                         answer.topic << ": " << kafka::text(known->reason())
                                      << "; its files wait, others go on; asked again every 2 s");
    }
    wake(wait_topic_, &tailer::hooks::wants_topic);
    next_letters_ = {};
}

std::size_t collector::polled_files() const noexcept {
    std::size_t count = 0;
    for (const auto& [key, where] : sources_)
        count += where->polled ? 1 : 0;
    return count;
}

void collector::visit_files(std::string_view after, std::size_t limit, time_point now,
                            const std::function<void(const file_view&)>& each) const {
    // "\x7f..." would not do: topics are ASCII, so a key with the highest topic ends the path's
    // rows.
    auto at = after.empty() ? sources_.begin()
                            : sources_.upper_bound(source_key{std::string{after}, "\xff"});
    for (; at != sources_.end() && limit > 0; ++at, --limit) {
        const source& where = *at->second;
        const auto& target = where.target->target;
        file_view view;
        view.path = where.path;
        view.service = target.service;
        view.topic = target.topic;
        view.state = where.state;
        view.send_rate = target.send_rate;
        view.last_error = where.error;
        for (const auto& one : where.tailers) {
            const auto [lines, bytes] = one->rates(now);
            view.lines_per_s += lines;
            view.bytes_per_s += bytes;
            view.throttled_seconds += one->throttled_seconds(now);
            view.lag_bytes += one->unsettled();
            view.hole_bytes += one->hole_bytes();
        }
        if (!where.tailers.empty()) {
            const tailer& newest = *where.tailers.back();
            view.state = text(newest.now());
            if (newest.now() == tailer::state::waiting) view.state = "tailing";
            view.generation = newest.generation().id.text();
            view.inode = newest.generation().identity.inode;
            view.size = newest.size();
            view.read_offset = newest.read_offset();
            view.acked_offset = newest.acked_offset();
            if (!newest.error().empty()) view.last_error = newest.error();
        }
        view.eta_to_loss_s = foretold_loss(where, now);
        each(view);
    }
}

void collector::visit_tailers(const std::function<void(const tailer&)>& each) const {
    for_each_tailer(each);
}

std::optional<double> collector::foretold_loss(const source& where, time_point now) const {
    double bytes_per_s = 0;
    for (const auto& one : where.tailers)
        bytes_per_s += one->rates(now).second;
    // The first is the oldest; what waits behind it only comes later. How fast a file is read is
    // known after some seconds.
    constexpr double known_after_s = 10;
    std::optional<double> first;
    double before = 0;
    for (const auto& one : where.tailers) {
        before += static_cast<double>(one->unsettled());
        const auto age_s =
            static_cast<double>(now_.wall_ms - one->generation().first_seen_ms) / 1000;
        if (age_s < known_after_s) continue;
        const auto left = time_to_loss({where.lifetime_s, age_s, before, bytes_per_s});
        if (left && (!first || *left < *first)) first = left;
    }
    return first;
}

collector::ledger collector::sums() const {
    ledger total;
    const auto& state = store_.state();
    const auto add = [&](const checkpoint::byte_counts& counts) {
        for (std::size_t at = 0; at < counts.size(); ++at)
            total.classes[at] += counts[at];
    };
    add(state.retired);
    for (const auto& [key, position] : state.positions) {
        if (active_.contains(key)) continue;
        add(position.counts);
        const auto known = position.classed();
        if (position.size > known) total.unread += position.size - known;
    }
    for (const auto& [key, one] : active_) {
        add(one->counts());
        total.in_flight += one->in_flight();
        total.unread += one->unread();
    }
    return total;
}

std::vector<std::pair<std::string, std::string>> collector::problems() const {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [name, topic] : topics_.all()) {
        if (!topic->wanted()) continue;
        if (topic->now() == delivery::topic::state::parked)
            found.emplace_back("topic_parked",
                               name + ": " + kafka::text(topic->reason()) +
                                   "; its files wait until the topic takes records");
        for (const auto& lane : topic->lanes())
            if (!lane.has_leader())
                found.emplace_back(
                    "partition_without_leader",
                    name + "[" + std::to_string(lane.partition()) + "]: no leader; its files wait");
    }
    if (over_limit_ > 0)
        found.emplace_back("too_many_files", std::to_string(over_limit_) +
                                                 " files are not read: the limit is " +
                                                 std::to_string(options_.most_files));
    if (const auto polled = polled_files(); polled > 0)
        found.emplace_back("polled",
                           std::to_string(polled) +
                               " files are polled every 5 s: no inotify watch could be "
                               "had (fs.inotify.max_user_watches) or a network file system");
    for (const auto& [key, where] : sources_) {
        if (where->lifetime_s <= 0) continue;
        if (foretold_loss(*where, now_.steady))
            found.emplace_back("loss_ahead",
                               where->path.str() +
                                   ": read too slowly for its rotation, which will delete "
                                   "its oldest file before it is read (eta_to_loss_s); "
                                   "raise send_rate or keep more files");
    }
    std::size_t denied = 0;
    std::string example;
    for (const auto& [key, where] : sources_) {
        if (where->state != "denied" && where->state != "error") continue;
        if (!where->tailers.empty()) continue;
        if (denied++ == 0) example = where->path.str() + ": " + where->error.str();
    }
    if (denied > 0)
        found.emplace_back("files_not_read",
                           std::to_string(denied) + " files are not read, such as " + example);
    return found;
}

}  // namespace logagent::tail
