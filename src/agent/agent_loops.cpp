#include "agent_loops.hpp"

#include <malloc.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "logagent/async/guarded.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/code_pages.hpp"
#include "logagent_version.hpp"
#include "service_status.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t tell_every_bytes = 1u << 20;  // of acknowledged bytes, to the journal
constexpr auto describe_deadline = 10s;
constexpr auto partitions_interval = 5s;  // between two looks at all files
constexpr std::size_t most_topics_bytes = 4 << 10;

}  // namespace

tail::moment agent_loops::now() const {
    return {steady::now(), os::wall_ms()};
}

void agent_loops::spawn(asio::awaitable<void> task) {
    tasks_.spawn(async::guarded(std::move(task), failure_, stopping_));
}

asio::awaitable<int> agent_loops::run() {
    LOGAGENT_LOG(info, "agent.started",
                 "version " << LOGAGENT_VERSION << " (" << LOGAGENT_COMMIT << "), host " << host_
                            << ", instance " << self_.id);
    if (self_.cloned)
        LOGAGENT_LOG(warn, "agent.state_cloned",
                     "the state came from another machine: positions are kept, a new instance id "
                     "is used");
    spawn(signals());
    if (main_) {
        spawn(main_->run());
        spawn(careful_->run());
    }
    if (journal_) spawn(journal_->run());
    // Half of the program is for its start: options, TLS, regular expressions, other commands.
    os::release_code_pages();
    spawn(describe());
    spawn(notice());
    spawn(collect());
    spawn(source_->run());
    if (server_) spawn(server_->run());
    if (announcer_) spawn(announcer_->run());
    if (commands_) spawn(commands_->run());
    if (stats_) spawn(stats_->run());
    spawn(housekeeping());

    while (!stop_asked_ && !failure_)
        co_await stopping_.wait();
    const int code = co_await stop();
    co_return code;
}

asio::awaitable<void> agent_loops::collect() {
    std::uint64_t acked = 0;
    for (;;) {
        const auto begun = now();
        stalls_.begin(begun.steady);
        const auto next = collector_->turn(begun);
        acked += collector_->take_acked_bytes();
        if (journal_ && acked >= tell_every_bytes) {
            journal_->note_acked(acked);
            acked = 0;
        }
        stalls_.end(steady::now());
        if (!applied_told_ && collector_->applied()) {
            applied_told_ = true;
            source_->applied(os::wall_ms());
            // Looking up thousands of files leaves much memory behind that is not needed again.
            malloc_trim(0);
            os::release_code_pages();
        }
        if (stop_asked_ && collector_->drained()) drained_.notify();
        if (options_.once && !stop_asked_ && collector_->finished()) {
            stop_asked_ = true;
            stopping_.notify();
        }
        // Between turns the loop serves reports, pages and signals.
        if (next <= begun.steady)
            co_await asio::post(asio::use_awaitable);
        else
            co_await work_.wait_until(next);
    }
}

asio::awaitable<void> agent_loops::notice() {
    const os::inotify::handler tell = [this](os::inotify::change what, std::string_view directory,
                                             std::string_view name) {
        collector_->changed(what, directory, name, now());
    };
    for (;;) {
        co_await inotify_.wait();
        while (inotify_.read(tell)) {
            work_.notify();
            co_await asio::post(asio::use_awaitable);
        }
        work_.notify();
        if (window_.length() == 0ms) continue;
        // The first event after idle was served at once; the next ones gather.
        window_timer_.expires_after(window_.length());
        co_await window_timer_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> agent_loops::describe() {
    for (;;) {
        auto names = collector_->due_topics(now());
        if (names.empty()) {
            const auto again = steady::now() + 1s;
            co_await describe_.wait_until(again);
            continue;
        }
        std::vector<kafka::topic_description> answers;
        if (careful_) {
            const auto deadline = steady::now() + describe_deadline;
            answers = co_await careful_->describe(std::move(names), deadline);
        } else {
            for (const auto& name : names)
                answers.push_back(describe_stdout(name));
        }
        for (const auto& answer : answers) {
            collector_->described(answer, now());
            if (main_ && answer.max_message_bytes && *answer.max_message_bytes < 1'000'000)
                main_->limit_batch_bytes(*answer.max_message_bytes);
        }
        work_.notify();
    }
}

asio::awaitable<void> agent_loops::housekeeping() {
    // A configuration may come much later, and the service manager takes a service that does not
    // get ready for one that hangs.
    manager_.ready();
    auto due = steady::now();
    for (;;) {
        due += 1s;
        house_timer_.expires_at(due);
        co_await house_timer_.async_wait(asio::use_awaitable);
        const auto woken = steady::now();
        stalls_.fired(due, woken);
        due = std::max(due, woken - 1s);
        base::sweep_log();
        if (main_) window_.second_passed(main_->requests());
        replace_stuck_clients();
        if (collector_->calm_after_burst()) malloc_trim(0);
        if (manager_.watchdog_interval()) manager_.watchdog();
        tell_manager();
        tell_partitions();
    }
}

written_partitions agent_loops::find_partitions() const {
    written_partitions now;
    collector_->visit_tailers([&](const tail::tailer& one) {
        const auto& target = one.target().target;
        const bool any = target.partition == fleet::partition_kind::spread;
        now.add(target.service, target.topic, any ? -1 : one.partition());
    });
    return now;
}

/// Whoever follows lines must not wait half a minute for those of a file that has just appeared.
void agent_loops::tell_partitions() {
    if (!announcer_ || steady::now() < next_partitions_) return;
    next_partitions_ = steady::now() + partitions_interval;
    auto now = find_partitions();
    if (!told_partitions_.holds(now)) announcer_->notify();
    told_partitions_ = std::move(now);
}

/// The summary, and to which partitions lines go, as far as there is room for it.
std::string agent_loops::announced() const {
    auto summary = pages_->summary();
    const std::string_view name = ",\"topics\":";
    json_writer topics;
    find_partitions().write(topics, most_topics_bytes);
    const auto list = topics.take();
    const auto most = announcer_options{}.most_bytes;
    if (summary.size() + name.size() + list.size() > most) return summary;
    summary.pop_back();  // the bracket of the object
    return summary.append(name).append(list) + '}';
}

void agent_loops::tell_manager() {
    const bool kafka_up = !main_ || main_->state().up;
    auto text = service_status(source_->report(), collector_->file_count(), kafka_up);
    if (text == told_manager_) return;
    manager_.status(text);
    told_manager_ = std::move(text);
}

void agent_loops::replace_stuck_clients() {
    if (!main_) return;
    const auto busy = busy_leaders(collector_->topics());
    const auto look = [&](silence_watch& watch, kafka::live_producer& client) {
        // Lines under way may all be the other client's.
        const auto waits = client.outstanding() > 0 ? std::span{busy} : std::span{busy}.first(0);
        const auto silent = watch.look(waits, client.brokers(), steady::now());
        if (!silent) return;
        const auto why = "broker " + std::to_string(*silent) +
                         " is connected and has not acknowledged anything for 120 s";
        LOGAGENT_LOG(warn, "kafka.silent_broker",
                     why << "; the client is replaced, lines go again");
        client.request_rebuild(why);
    };
    look(main_silence_, *main_);
    look(careful_silence_, *careful_);
}

std::vector<std::pair<std::string, std::string>> agent_loops::problems() const {
    std::vector<std::pair<std::string, std::string>> found;
    if (self_.cloned)
        found.emplace_back("state_cloned", "the state directory was copied from another machine");
    if (announcer_)
        for (auto& each : announcer_->problems())
            found.push_back(std::move(each));
    if (spilled_ && !spilled_->last_problem().empty())
        found.emplace_back("dead_letters", spilled_->last_problem());
    if (spilled_ && spilled_->removed() > 0)
        found.emplace_back("dead_letters_lost",
                           std::to_string(spilled_->removed()) +
                               " dead letters that Kafka refused were removed from " + state_dir_ +
                               "/dead, the oldest first: it holds 64 MiB at most");
    if (journal_ && journal_->loaded().lost)
        found.emplace_back("state_lost", journal_->loaded().text);
    return found;
}

bool agent_loops::spill(const tail::dead_letter& letter) {
    if (!spilled_) return false;
    const auto removed = spilled_->removed();
    if (!spilled_->keep(letter, steady::now(), os::wall_ms())) {
        if (!spilled_->last_problem().empty())
            LOGAGENT_LOG(error, "dead_letter.spill",
                         spilled_->last_problem() << "; the record is kept in memory");
        return false;
    }
    LOGAGENT_LOG(
        warn, "dead_letter.spill",
        letter.topic << " refused a record for a minute; it lies in " << state_dir_ << "/dead");
    if (spilled_->removed() > removed)
        LOGAGENT_LOG(
            error, "dead_letter.removed",
            "the oldest records in " << state_dir_ << "/dead were removed, there are too many");
    return true;
}

}  // namespace logagent::agent
