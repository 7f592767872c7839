#include "agent_loops.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "logagent/async/guarded.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/durable_write.hpp"
#include "logagent_version.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t tell_every_bytes = 1u << 20;  // of acknowledged bytes, to the journal
constexpr double busy_requests_per_s = 50;            // above it the read window widens
constexpr auto widest_window = 200ms;
constexpr auto describe_deadline = 10s;

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
    spawn(describe());
    spawn(notice());
    spawn(collect());
    spawn(source_->run());
    if (server_) spawn(server_->run());
    if (announcer_) spawn(announcer_->run());
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
        if (window_ == 0ms) continue;
        // The first event after idle was served at once; the next ones gather.
        window_timer_.expires_after(window_);
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
    auto due = steady::now();
    for (;;) {
        due += 1s;
        house_timer_.expires_at(due);
        co_await house_timer_.async_wait(asio::use_awaitable);
        const auto woken = steady::now();
        stalls_.fired(due, woken);
        due = std::max(due, woken - 1s);
        base::sweep_log();
        adapt_window();
        if (manager_.watchdog_interval()) manager_.watchdog();
        if (!ready_told_ && source_->report().state == "applied") {
            ready_told_ = true;
            manager_.ready();
            manager_.status("collecting " + std::to_string(collector_->file_count()) + " files");
        }
    }
}

void agent_loops::adapt_window() {
    if (!main_) return;
    const std::uint64_t requests = main_->requests();
    // Smoothed over some seconds: the rate that a window brings varies by a few from one second to
    // the next, and must not widen it for ever.
    requests_per_s_ += 0.3 * (static_cast<double>(requests - requests_seen_) - requests_per_s_);
    requests_seen_ = requests;
    if (settings_.read_window == 0ms) return;
    if (requests_per_s_ > busy_requests_per_s && window_ < widest_window) {
        window_ = std::min<std::chrono::milliseconds>(window_ * 2, widest_window);
        requests_per_s_ /= 2;  // what the wider window will bring; the mean would widen it again
    } else if (requests_per_s_ < busy_requests_per_s / 4) {
        window_ = std::max(window_ / 2, settings_.read_window);
    }
}

std::vector<std::pair<std::string, std::string>> agent_loops::problems() const {
    std::vector<std::pair<std::string, std::string>> found;
    if (self_.cloned)
        found.emplace_back("state_cloned", "the state directory was copied from another machine");
    if (announcer_)
        for (auto& each : announcer_->problems())
            found.push_back(std::move(each));
    if (journal_ && journal_->loaded().lost)
        found.emplace_back("state_lost", journal_->loaded().text);
    return found;
}

bool agent_loops::spill(const tail::dead_letter& letter) const {
    if (state_dir_.empty()) return false;
    const std::string directory = state_dir_ + "/dead";
    ::mkdir(directory.c_str(), 0700);
    std::string text = letter.topic + "\t" + letter.key + "\t" + letter.reason + "\t" +
                       letter.range + "\n" + letter.value + "\n";
    const std::string name = std::to_string(os::wall_ms()) + "-" + letter.range;
    try {
        os::durable_write(directory + "/" + name, text);
    } catch (const std::exception& failure) {
        LOGAGENT_LOG(error, "dead_letter.spill", failure.what());
        return false;
    }
    LOGAGENT_LOG(warn, "dead_letter.spill",
                 letter.topic << " refused a record for a minute; it lies in " << directory);
    return true;
}

}  // namespace logagent::agent
