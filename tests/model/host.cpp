#include "host.hpp"

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "logagent/base/glob.hpp"
#include "logagent/tail/fingerprint.hpp"

namespace logagent::test {

namespace {

using namespace std::chrono_literals;

std::int64_t journal_wall_ms = 0;
std::int64_t journal_clock() {
    return journal_wall_ms;
}

/// One for all hosts: making it costs more than a program takes.
boost::asio::io_context& loop() {
    static boost::asio::io_context one;
    return one;
}

constexpr std::uint64_t in_flight_limit = 512 * 1024;
constexpr std::size_t everything = 1'000'000;

tail::collector_options options(std::uint64_t held_deleted_bytes) {
    tail::collector_options chosen;
    chosen.host = "h";
    chosen.in_flight_bytes = in_flight_limit;
    chosen.held_deleted_bytes = held_deleted_bytes;
    return chosen;
}

}  // namespace

model_host::model_host() {
    disk.birth_tick_ns = 4'000'000;
    disk.now_ns = now.wall_ms * 1'000'000;
    state.takes_time = false;
    broker.on_taken = [this](const auto& record) { known.taken(record); };
    broker.on_stored = [this](const auto& record) {
        known.stored(record, broker.stored.size() - 1);
    };
    broker.on_delivered = [this](const auto& record) { losses.delivered(record); };
    broker.on_failed = [this](const auto& record, auto code) { known.failed(record, code); };
    broker.answers = [this](const std::string& topic, std::int32_t partition) {
        return !leaderless.contains({topic, partition});
    };
}

model_host::~model_host() {
    broker.main.forget();
    broker.careful.forget();
}

void model_host::move_clock(tail::duration by) {
    now.steady += by;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
    now.wall_ms += ms;
    disk.now_ns += ms * 1'000'000;
    now.wall_ms = std::max(now.wall_ms, disk.now_ns / 1'000'000);
    journal_wall_ms = now.wall_ms;
}

void model_host::in_process(const std::function<void()>& what) {
    if (!running()) return;
    try {
        what();
        if (writing_ && writing_->failure()) std::rethrow_exception(writing_->failure());
    } catch (const fake_directory::end_of_program&) {
        ended(end_is_power_cut_ ? ending::power_cut : ending::kill, broker.stored.size() % 3, 0);
    }
}

void model_host::start() {
    if (running()) return;
    move_clock(100ms);
    checkpoint::journal::settings chosen;
    chosen.program_version = "1.0.0-test";
    chosen.interval = 1h;  // the clock of the host says when, not the loop's
    chosen.acked_bytes = 1;
    chosen.wall_ms = &journal_clock;
    chosen.compact_above = 2000;
    chosen.before_write = [this] { agent_->save_positions(); };
    journal_ = std::make_unique<checkpoint::journal>(loop().get_executor(), state, chosen);
    watch_ledger();
    agent_ = std::make_unique<tail::collector>(options(held_deleted_bytes), disk, watches_,
                                               *watched_, broker.main, broker.careful);
    check_kept();
    const bool crashed = std::exchange(crashes_at_start_, known.crashes) != known.crashes;
    known.process_began(journal_->state(), cut_ || state_failed_);
    losses.process_began(journal_->state(), crashed || cut_ || state_failed_);
    state_failed_ = cut_ = false;
    if (held_deleted_bytes < std::uint64_t{1} << 30) losses.deleted_are_limited();
    broker.main.listen(*agent_);
    broker.careful.listen(agent_->careful_listener());
    loop().restart();
    writing_ = std::make_unique<background>(loop(), journal_->run());
    loop().poll();
    written_at_ = now.steady;
    apply();
}

void model_host::watch_ledger() {
    watched_ = std::make_unique<watched_store>(*journal_);
    watched_->on_generation = [this](const auto& record) { losses.put(record); };
    watched_->on_position = [this](const auto& record) { losses.put(record); };
    watched_->on_note = [this](const auto& loss) { losses.noted(loss); };
    watched_->on_remove = [this](const auto& id) {
        const auto& positions = journal_->state().positions;
        for (auto at = positions.lower_bound({id, {}});
             at != positions.end() && at->first.first == id; ++at)
            losses.forgotten(at->second, wanted(at->second));
    };
}

bool model_host::wanted(const checkpoint::position_record& position) const {
    return std::any_of(targets.begin(), targets.end(), [&](const auto& each) {
        return each.log_path == position.log_path && each.topic == position.topic;
    });
}

void model_host::write_journal() {
    written_at_ = now.steady;
    journal_->note_acked(1);
    loop().restart();
    loop().poll();
    if (writing_->failure()) std::rethrow_exception(writing_->failure());
    if (!journal_->problem().empty()) return;
    synced_.clear();
    for (const auto& [key, position] : journal_->state().positions)
        synced_[key] = position.committed();
}

void model_host::stop() {
    if (!running()) return;
    in_process([this] { agent_->stop_reading(); });
    const auto deadline = now.steady + 10s;
    while (running() && !agent_->drained() && now.steady < deadline) {
        settle();
        move_clock(100ms);
    }
    in_process([this] {
        agent_->save_positions();
        const bool drained = agent_->drained();
        writing_->stop();
        if (journal_->close())
            for (const auto& [key, position] : journal_->state().positions)
                synced_[key] = position.committed();
        else
            state_failed_ = true;
        ended(ending::stop, drained ? 0 : everything, 0);
        // At its deadline, or where its state cannot be written, it leaves as much undone as one
        // that is killed.
        if (!drained || state_failed_) ++known.crashes;
    });
}

void model_host::kill(std::size_t main_stored, std::size_t careful_stored) {
    if (running()) ended(ending::kill, main_stored, careful_stored);
}

void model_host::cut_power(std::size_t stored, std::size_t renames, std::size_t tail) {
    cut_renames_ = renames;
    cut_tail_ = tail;
    if (running()) return ended(ending::power_cut, stored, 0);
    state.cut_power(renames, tail);
    cut_ = true;
}

void model_host::ended(ending how, std::size_t main_stored, std::size_t careful_stored) {
    broker.main.forget(main_stored);
    broker.careful.forget(careful_stored);
    writing_.reset();
    agent_.reset();
    watched_.reset();
    journal_.reset();
    watches_.counts.clear();
    hints_.clear();
    if (how == ending::power_cut)
        state.cut_power(cut_renames_, cut_tail_);
    else
        state.kill();
    cut_ = cut_ || how == ending::power_cut;
    if (how != ending::stop) ++known.crashes;
    known.process_ended();
    state_works();
}

void model_host::check_kept() const {
    if (state_failed_) return;
    const auto& kept = journal_->state().positions;
    for (const auto& [key, committed] : synced_) {
        const auto found = kept.find(key);
        if (found == kept.end()) continue;  // forgotten since then
        if (found->second.committed() < committed)
            throw broken_promise{"a position that was on the disk is lost: " + key.first.text()};
    }
}

void model_host::end_at(std::size_t operation, bool power) {
    if (!running()) return;
    end_is_power_cut_ = power;
    auto left = std::make_shared<std::size_t>(operation);
    state.before = [left](const std::string&, const std::string&) {
        if ((*left)-- == 0) throw fake_directory::end_of_program{};
        return 0;
    };
}

void model_host::state_fails(bool always) {
    if (!running()) return;
    state_failed_ = true;
    auto once = std::make_shared<bool>(false);
    state.before = [once, always](const std::string& operation, const std::string&) {
        if (operation == "read" || operation == "open") return 0;
        return !always && std::exchange(*once, true) ? 0 : EIO;
    };
}

void model_host::state_works() {
    state.before = [](const std::string&, const std::string&) { return 0; };
}

/// Under another topic: the new target goes on where the old one had come to.
bool model_host::knows(const truth::life& life, const std::string& log_path) const {
    const auto& kept = journal_->state();
    for (const auto& [key, position] : kept.positions) {
        const auto found = kept.generations.find(key.first);
        if (found == kept.generations.end() || position.log_path != log_path) continue;
        const auto& identity = found->second.identity;
        if (identity.inode != life.file->inode || identity.birth_time != life.file->born) continue;
        if (tail::hash(std::string_view{life.bytes}.substr(0, identity.head_size)) ==
            identity.head_hash)
            return !life.truncated;
    }
    return false;
}

void model_host::apply() {
    // Birth times are coarse, so files of the last moments before count as younger.
    move_clock(100ms);
    for (const auto& target : targets) {
        if (!running()) break;
        const auto& done = journal_->state();
        if (done.targets.contains({target.log_path, target.topic})) continue;
        // The first application ever: `start` says what of existing files may be left out, and
        // files that were rotated away before are not looked for.
        for (std::size_t at = 0; at < known.lives.size(); ++at) {
            auto& life = known.lives[at];
            if (!base::glob_matches(target.log_path, life.log)) continue;
            if (knows(life, target.log_path)) continue;
            const bool here = disk.at(life.log) == life.file && !life.truncated;
            life.unwanted = life.unwanted || !here;
            if (!here || target.start == fleet::start_at::end) known.leave_out(at);
        }
    }
    in_process([this] { agent_->apply(targets, now); });
    settle();
}

void model_host::hint(change what, const std::string& path) {
    if (!running()) return;
    const auto slash = path.find_last_of('/');
    const std::string directory = path.substr(0, slash);
    if (watches_.counts[directory] <= 0) return;
    hints_.push_back({what, directory, path.substr(slash + 1)});
}

void model_host::lose_hints(bool tell) {
    hints_.clear();
    if (tell) hints_.push_back({change::overflow, {}, {}});
}

void model_host::read_hints(std::size_t limit) {
    const std::size_t count = std::min(limit, hints_.size());
    for (std::size_t at = 0; at < count; ++at)
        agent_->changed(hints_[at].what, hints_[at].directory, hints_[at].name, now);
    hints_.erase(hints_.begin(), hints_.begin() + static_cast<std::ptrdiff_t>(count));
}

void model_host::describe() {
    for (const auto& name : agent_->due_topics(now)) {
        kafka::topic_description answer;
        answer.topic = name;
        if (cluster_down)
            answer.code = kafka::error::timed_out;
        else if (const auto error = topic_errors.find(name); error != topic_errors.end())
            answer.code = error->second;
        else
            for (int id = 0; id < partitions[name]; ++id)
                answer.partitions.push_back({id, leaderless.contains({name, id}) ? -1 : 1, 1, 1});
        agent_->described(answer, now);
    }
}

void model_host::agent_turn() {
    next_turn_ = agent_->turn(now);
    agent_->visit_tailers([&](const tail::tailer& one) {
        if (!one.has_holes()) return;
        const auto position = one.position();
        for (std::size_t at = 1; at < position.done.size(); ++at)
            known.jumps[one.generation().id.text()].insert(position.done[at].begin);
    });
}

void model_host::turn(std::size_t hints) {
    in_process([&] {
        read_hints(hints);
        agent_turn();
    });
    check();
}

void model_host::report(std::size_t main, std::size_t careful) {
    if (cluster_down) return;
    in_process([&] {
        broker.main.report(main);
        broker.careful.report(careful);
    });
    check();
}

void model_host::settle() {
    for (int round = 0; running(); ++round) {
        if (round > 5000) throw broken_promise{"the agent never comes to rest"};
        std::size_t waiting = 0;
        in_process([&] {
            read_hints(everything);
            describe();
            agent_turn();
            waiting = broker.main.outstanding() + broker.careful.outstanding();
            if (!cluster_down) {
                broker.main.report(everything);
                broker.careful.report(everything);
            }
            if (now.steady - written_at_ >= 1s) write_journal();
        });
        if (!running()) return;
        const auto after = broker.main.outstanding() + broker.careful.outstanding();
        if (next_turn_ > now.steady && waiting == after) break;
    }
    check();
}

void model_host::pass(tail::duration time) {
    const auto until = now.steady + time;
    settle();
    while (now.steady < until) {
        auto next = until;
        if (running()) {
            next = std::min({next, next_turn_, agent_->topics().next_due()});
            const bool busy = broker.main.outstanding() + broker.careful.outstanding() > 0;
            if (busy || now.steady == written_at_) next = std::min(next, now.steady + 1s);
        }
        next = std::max(next, now.steady + 1ms);
        const auto by = std::chrono::ceil<std::chrono::milliseconds>(next - now.steady);
        move_clock(by);
        settle();
    }
}

void model_host::abandon(bool careful, std::size_t stored) {
    if (!running()) return;
    auto& client = careful ? broker.careful : broker.main;
    known.abandoned(careful);
    in_process([&] { client.abandon(stored); });
}

void model_host::check() {
    if (!running()) return;
    const auto sum = [](const checkpoint::byte_counts& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    };
    agent_->visit_tailers([&](const tail::tailer& one) {
        const auto settled = one.acked_offset() - one.hole_bytes();
        if (!one.ended() && sum(one.counts()) != settled)
            throw broken_promise{"the classes of " + std::string{one.path()} + " are " +
                                 std::to_string(sum(one.counts())) + " bytes, settled are " +
                                 std::to_string(settled)};
        const auto size = std::max(one.size(), one.read_offset());
        if (settled + one.in_flight() + one.unread() != size)
            throw broken_promise{"settled, in flight and unread are not the file"};
        const auto position = one.position();
        const auto id = one.generation().id.text();
        const bool whole = position.done.size() < 2;
        known.check_committed(id, position.committed(), whole ? &one.counts() : nullptr);
        for (std::size_t at = 1; at < position.done.size(); ++at)
            known.check_settled(id, position.done[at]);
        losses.seen(id, one.size());
        losses.check_counts(id, one.sends_to().name(), one.counts());
    });
    const auto& budget = agent_->in_flight();
    // What was begun under the limit: chunks that are being filled, and a line as long as allowed.
    constexpr auto slack = 2 * delivery::chunk_pool::large + 1'000'000;
    if (budget.used() > budget.limit() + slack)
        throw broken_promise{"in flight: " + std::to_string(budget.used()) + " bytes"};
}

void model_host::check_quiet() {
    if (!agent_->drained()) throw broken_promise{"not drained at the end"};
    agent_->visit_tailers([&](const tail::tailer& one) {
        if (one.has_holes())
            throw broken_promise{"a hole was never filled: " + std::string{one.path()}};
    });
    if (agent_->in_flight().used() > delivery::chunk_pool::small)
        throw broken_promise{"memory is held with nothing in flight: " +
                             std::to_string(agent_->in_flight().used())};
    for (const auto& life : known.lives)
        if (life.file->links == 0 && life.file->handles > 0)
            throw broken_promise{"a deleted file of " + life.log + " is still open"};
    for (const auto& [key, position] : journal_->state().positions) {
        known.check_committed(key.first.text(), position.committed(), nullptr);
        losses.check_counts(key.first.text(), key.second.str(), position.counts);
        if (wanted(position)) losses.check_finished(position);
    }
    losses.check_complete();
    if (const auto left = agent_->sums(); left.in_flight > 0)
        throw broken_promise{"in flight at the end: " + std::to_string(left.in_flight)};
}

}  // namespace logagent::test
