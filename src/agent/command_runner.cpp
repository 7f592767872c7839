#include "command_runner.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <list>
#include <random>

#include "command_book.hpp"
#include "command_requests.hpp"
#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/guarded.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/log.hpp"
#include "logagent/etcd/watch.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/durable_write.hpp"
#include "path_listing.hpp"
#include "replay_process.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using duty = command_book::duty;

constexpr auto sweep_patience = 30s;
constexpr auto save_interval = 1s;  // of progress; what changes otherwise is saved at once
constexpr auto longest_sleep = 60s;

command_outcome failed(std::string code, std::string text) {
    return {false, std::move(code), std::move(text), {}};
}

}  // namespace

class command_runner::actor {
public:
    actor(asio::any_io_executor executor, etcd::client& etcd, command_surroundings around)
        : executor_{executor},
          etcd_{etcd},
          around_{std::move(around)},
          requests_{around_.prefix},
          book_{around_.instance},
          wake_{executor},
          look_{executor},
          pause_{executor},
          attending_{executor},
          backoff_{100ms, 10s, std::random_device{}()} {}

    asio::awaitable<void> run() {
        load();
        async::task_group beside{executor_};
        beside.spawn(async::guarded(follow(), broken_, wake_));
        std::exception_ptr ended;
        try {
            co_await act();
        } catch (...) {
            ended = std::current_exception();
        }
        beside.stop();
        attending_.stop();
        for (auto& one : rounds_)
            one.tasks.stop();
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await beside.join();
        co_await attending_.join();
        for (auto& one : rounds_)
            co_await one.tasks.join();
        rounds_.clear();
        save();
        std::rethrow_exception(ended);
    }

    void wind_down(steady::time_point deadline) {
        winding_down_ = true;
        if (process_) process_->stop(deadline, false);
    }

    bool idle() const { return !process_; }

private:
    using key = command_book::key;

    /// A watch over the commands of one name.
    struct round final : etcd::watch_handler {
        round(actor& its_owner, std::string its_host, etcd::watch_options options)
            : owner{its_owner},
              host{std::move(its_host)},
              watch{owner.executor_, owner.etcd_, std::move(options), *this},
              tasks{owner.executor_} {}

        void snapshot(etcd::snapshot now) override {
            std::vector<std::string> ids;
            for (const auto& each : now.keys)
                if (owner.put(host, each)) ids.push_back(owner.requests_.id_in(host, each.key));
            owner.book_.complete(host, ids, os::wall_ms());
            owner.changed();
        }

        void changed(etcd::event change) override {
            if (change.what == etcd::event::kind::put)
                owner.put(host, change.entry);
            else
                owner.book_.removed(host, owner.requests_.id_in(host, change.entry.key),
                                    os::wall_ms());
            owner.changed();
        }

        void state(connection now, const std::string& text) override {
            if (now == connection::retrying)
                LOGAGENT_LOG(debug, "command.connection", text << "; commands wait");
        }

        actor& owner;
        std::string host;
        etcd::watch watch;
        async::task_group tasks;
    };

    /// False: its name is none, so there is nowhere to answer.
    bool put(const std::string& host, const etcd::key_value& seen) {
        const auto id = requests_.id_in(host, seen.key);
        if (!is_command_id(id)) {
            LOGAGENT_LOG(warn, "command.name",
                         base::visible(seen.key, 300)
                             << " is no key of a command: the last part has to be 1 to 64 of A-Z "
                                "a-z 0-9 - _; it is passed over");
            return false;
        }
        const bool known = book_.put(host, id, seen.value, seen.mod_revision, os::wall_ms());
        left_out_ = left_out_ || !known;
        return true;
    }

    /// Asks to be shown what there was no room for.
    void look_again() {
        if (!left_out_ || book_.size() > command_book::most_waiting + 1 || rounds_.empty()) return;
        left_out_ = false;
        rounds_.back().watch.refresh();
    }

    void changed() {
        stop_cancelled();
        wake_.notify();
    }

    void stop_cancelled() {
        const auto running = book_.running();
        if (!running || !process_ || process_->cancelled()) return;
        const auto* entry = book_.find(*running);
        if (!entry || !entry->cancelled) return;
        LOGAGENT_LOG(info, "command.cancelled", "replay " << running->second << " is cancelled");
        process_->stop(steady::now() + around_.shutdown_timeout + 2s, true);
    }

    /// Follows the name under which this agent reports; it changes where two have the same one.
    asio::awaitable<void> follow() {
        for (;;) {
            const auto host = around_.host();
            std::erase_if(rounds_, [&](const round& one) {
                return &one != &rounds_.back() && one.tasks.empty();
            });
            if (!host.empty() && (rounds_.empty() || rounds_.back().host != host)) begin(host);
            const auto again = steady::now() + (rounds_.empty() ? 100ms : 1000ms);
            co_await look_.wait_until(again);
        }
    }

    void begin(const std::string& host) {
        if (!rounds_.empty()) rounds_.back().tasks.stop();
        etcd::watch_options options;
        options.ranges.push_back({requests_.command_key({host, ""}), true});
        options.seed = std::random_device{}();
        auto& begun = rounds_.emplace_back(*this, host, std::move(options));
        begun.tasks.spawn(async::guarded(begun.watch.run(), broken_, wake_));
    }

    asio::awaitable<void> act() {
        for (;;) {
            if (broken_) std::rethrow_exception(broken_);
            const auto now_ms = os::wall_ms();
            if (winding_down_) {
                co_await wake_.wait();
                continue;
            }
            const auto task = book_.next(now_ms);
            if (!task) {
                const auto sleep = std::clamp(book_.next_at(now_ms) - now_ms, std::int64_t{10},
                                              std::int64_t{longest_sleep / 1ms});
                const auto again = steady::now() + std::chrono::milliseconds{sleep};
                co_await wake_.wait_until(again);
                continue;
            }
            const bool good = co_await perform(*task);
            if (task->what != duty::report) save();
            look_again();
            if (good) {
                backoff_.reset();
                continue;
            }
            pause_.expires_after(backoff_.next());
            co_await pause_.async_wait(asio::use_awaitable);
        }
    }

    /// False: etcd did not do its part; try again later.
    asio::awaitable<bool> perform(command_book::task task) {
        const auto which = task.key;
        switch (task.what) {
            case duty::look:
                return look(which);
            case duty::execute:
                return execute(which);
            case duty::accept:
                return accept(which);
            case duty::begin:
                return start(which);
            case duty::report:
                return report(which);
            case duty::renew:
                return renew(which);
            case duty::answer:
                return answer(which);
        }
        return start(which);
    }

    static bool complain(const key& which, const etcd::error& failure) {
        LOGAGENT_LOG(warn, "command.etcd",
                     "command " << which.second << ": " << failure.text << "; it is tried again");
        return false;
    }

    asio::awaitable<bool> look(key which) {
        etcd::key_range wanted;
        wanted.key = requests_.result_key(which);
        const auto found = co_await etcd_.range(wanted);
        if (!found) co_return complain(which, found.error());
        if (!found->keys.empty() && is_final_result(found->keys.front().value))
            book_.answered(which);
        else
            book_.looked(which);
        co_return true;
    }

    asio::awaitable<bool> execute(key which) {
        const auto* entry = book_.find(which);
        if (!entry || !entry->what) co_return true;
        const auto what = *entry->what;
        LOGAGENT_LOG(info, "command.executed", entry->name << " " << which.second);
        command_outcome out;
        out.good = true;
        if (const auto* wanted = std::get_if<paths_command>(&what)) {
            path_listing listing{*around_.disk, wanted->glob, wanted->limit};
            while (listing.step())
                co_await asio::post(asio::use_awaitable);
            out.members = listing.members();
        } else if (std::holds_alternative<rescan_command>(what)) {
            co_await sweep();
            out.members = "\"files\":" + std::to_string(around_.file_count());
        } else {
            const bool any = around_.forget_vanished();
            out.members = std::string{"\"forgotten\":"} + (any ? "true" : "false");
        }
        book_.ended(which, std::move(out), os::wall_ms());
        co_return true;
    }

    asio::awaitable<void> sweep() {
        around_.sweep();
        const auto deadline = steady::now() + sweep_patience;
        while (!around_.swept() && steady::now() < deadline) {
            pause_.expires_after(20ms);
            co_await pause_.async_wait(asio::use_awaitable);
        }
    }

    asio::awaitable<bool> accept(key which) {
        const auto lease = co_await etcd_.grant(result_ttl);
        if (!lease) co_return complain(which, lease.error());
        const auto* entry = book_.find(which);
        if (!entry) co_return true;
        // From here on the key lives as long as the work, and its deletion is somebody's will.
        auto request = requests_.accept(*entry, book_.result(which, os::wall_ms()), lease->id);
        const auto done = co_await etcd_.txn(std::move(request));
        if (!done && is_refused(done.error())) {
            book_.ended(which, failed("too_large", done.error().text), os::wall_ms());
            co_return true;
        }
        if (!done) co_return complain(which, done.error());
        if (done->succeeded) {
            LOGAGENT_LOG(info, "command.accepted", "replay " << which.second);
            book_.accepted(which, lease->id, os::wall_ms());
        } else {
            book_.answered(which);  // gone or changed meanwhile, which the watch will tell
        }
        co_return true;
    }

    asio::awaitable<bool> renew(key which) {
        const auto* entry = book_.find(which);
        if (!entry) co_return true;
        if (entry->lease != 0) {
            const auto kept = co_await etcd_.keep_alive(entry->lease);
            if (kept) {
                book_.leased(which, kept->id, os::wall_ms());
                co_return true;
            }
            if (kept.error().why != etcd::error::cause::not_found)
                co_return complain(which, kept.error());
        }
        const auto lease = co_await etcd_.grant(result_ttl);
        if (!lease) co_return complain(which, lease.error());
        entry = book_.find(which);
        if (!entry) co_return true;
        auto request = requests_.renew(*entry, book_.result(which, os::wall_ms()), lease->id);
        const auto done = co_await etcd_.txn(std::move(request));
        if (!done) co_return complain(which, done.error());
        book_.leased(which, lease->id, os::wall_ms());
        co_return true;
    }

    asio::awaitable<bool> report(key which) {
        const auto* entry = book_.find(which);
        if (!entry) co_return true;
        const auto lease = entry->lease;
        auto value = book_.result(which, os::wall_ms());
        book_.reported(which, os::wall_ms());
        const auto done = co_await etcd_.put(requests_.result_key(which), std::move(value), lease);
        if (done) co_return true;
        if (done.error().why != etcd::error::cause::not_found)
            co_return complain(which, done.error());
        book_.leased(which, 0, 0);
        co_return true;
    }

    asio::awaitable<bool> answer(key which) {
        const auto lease = co_await etcd_.grant(result_ttl);
        if (!lease) co_return complain(which, lease.error());
        const auto* entry = book_.find(which);
        if (!entry) co_return true;
        auto request = requests_.answer(*entry, book_.result(which, os::wall_ms()), lease->id);
        const auto done = co_await etcd_.txn(std::move(request));
        if (!done && is_refused(done.error())) {
            give_up(which, done.error());
            co_return true;
        }
        if (!done) co_return complain(which, done.error());
        entry = book_.find(which);
        if (entry && entry->outcome)
            LOGAGENT_LOG(info, "command.answered",
                         base::visible(entry->name, 40)
                             << " " << which.second << ": "
                             << (entry->outcome->good ? "done" : entry->outcome->code) << " "
                             << base::visible(entry->outcome->text, 300));
        book_.answered(which);
        co_return true;
    }

    /// Etcd will never take this answer: a smaller one, or none.
    void give_up(const key& which, const etcd::error& refused) {
        LOGAGENT_LOG(error, "command.answer",
                     "the answer of command " << which.second << " is refused: " << refused.text);
        const auto* entry = book_.find(which);
        if (entry && entry->outcome && !entry->outcome->members.empty())
            book_.ended(which, failed("too_large", "the answer is refused: " + refused.text),
                        os::wall_ms());
        else
            book_.answered(which);
    }

    asio::awaitable<bool> start(key which) {
        const auto* entry = book_.find(which);
        const auto* wanted =
            entry && entry->what ? std::get_if<replay_command>(&*entry->what) : nullptr;
        if (!wanted || process_) co_return true;
        auto words = replay_words(*wanted, entry->replay.at, entry->replay.end);
        words.insert(words.end(), around_.replay_words.begin(), around_.replay_words.end());
        if (const auto ceiling = around_.max_send_rate_bytes; ceiling > 0) {
            const auto share = std::max<std::uint64_t>(ceiling / 4, 1);
            words.push_back("--set=max_send_rate_bytes=" + std::to_string(share));
            around_.limit_files(std::max<std::uint64_t>(ceiling - share, 1));
        }
        process_ = std::make_unique<replay_process>(executor_);
        if (const int error = process_->start(std::move(words))) {
            process_ended();
            book_.ended(
                which,
                failed("process", "no process can be started: " + base::describe_errno(error)),
                os::wall_ms());
            co_return true;
        }
        LOGAGENT_LOG(info, "command.replay",
                     "replay " << which.second << " of " << base::visible(wanted->path, 300)
                               << (entry->replay.at ? " goes on" : " begins"));
        book_.began(which, os::wall_ms());
        attending_.spawn(async::guarded(attend(which), broken_, wake_));
        co_return true;
    }

    void process_ended() {
        process_.reset();
        if (around_.max_send_rate_bytes > 0) around_.limit_files(around_.max_send_rate_bytes);
    }

    /// Notes what the process of a replay says until it has ended.
    asio::awaitable<void> attend(key which) {
        for (;;) {
            const auto line = co_await process_->next();
            if (!line) break;
            book_.told(which, *line);
            if (steady::now() - saved_at_ >= save_interval) save();
            wake_.notify();
        }
        auto outcome = process_->outcome();
        process_ended();
        if (outcome)
            book_.ended(which, *std::move(outcome), os::wall_ms());
        else
            book_.suspended(which);
        save();
        wake_.notify();
    }

    void load() {
        if (around_.state_file.empty()) return;
        std::ifstream file{around_.state_file, std::ios::binary};
        if (!file) return;
        saved_.assign(std::istreambuf_iterator<char>{file}, {});
        if (const auto loaded = book_.load(saved_); !loaded)
            LOGAGENT_LOG(warn, "command.state",
                         around_.state_file << ": " << base::visible(loaded.error().text, 200)
                                            << "; replays that were under way begin again");
    }

    void save() {
        saved_at_ = steady::now();
        if (around_.state_file.empty()) return;
        auto text = book_.save();
        if (text == saved_ || (saved_.empty() && book_.size() == 0)) return;
        saved_ = std::move(text);
        // Not brought to the disk: what a power cut takes away is sent again with the same keys.
        if (const int error = os::atomic_write(around_.state_file, saved_))
            LOGAGENT_LOG(error, "command.state",
                         "cannot write " << around_.state_file << ": "
                                         << base::describe_errno(error)
                                         << "; a replay would begin again after a restart");
    }

    asio::any_io_executor executor_;
    etcd::client& etcd_;
    command_surroundings around_;
    command_requests requests_;
    command_book book_;
    async::event wake_;  // act() has something to do, or something is broken
    async::event look_;
    asio::steady_timer pause_;  // of act()
    async::task_group attending_;
    async::backoff backoff_;
    std::list<round> rounds_;  // the last one counts
    std::unique_ptr<replay_process> process_;
    std::string saved_;
    steady::time_point saved_at_{};
    std::exception_ptr broken_;
    bool winding_down_ = false;
    bool left_out_ = false;  // commands for which the book had no room
};

command_runner::command_runner(asio::any_io_executor executor, etcd::client& etcd,
                               command_surroundings around)
    : actor_{std::make_unique<actor>(std::move(executor), etcd, std::move(around))} {}

command_runner::~command_runner() = default;

asio::awaitable<void> command_runner::run() {
    return actor_->run();
}

void command_runner::wind_down(steady::time_point deadline) {
    actor_->wind_down(deadline);
}

bool command_runner::idle() const {
    return actor_->idle();
}

}  // namespace logagent::agent
