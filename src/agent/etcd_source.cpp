#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <sstream>

#include "logagent/agent/config_source.hpp"
#include "logagent/agent/config_state.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/guarded.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/log.hpp"
#include "logagent/etcd/watch.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/durable_write.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t most_addresses = 64;  // ranges of one watch
// The copy is written again for the sake of the age of lost addresses alone.
constexpr std::chrono::hours copy_renewal{1};

class etcd_source final : public config_source {
public:
    etcd_source(asio::any_io_executor executor, etcd::client& etcd, const settings& from,
                address_list addresses, std::string state_dir, apply_targets apply,
                follow_options options)
        : executor_{executor},
          etcd_{etcd},
          key_of_{[from](const std::string& address) { return from.watch_key(address); }},
          addresses_{std::move(addresses)},
          copy_{state_dir.empty() ? "" : state_dir + "/last_good.json"},
          apply_{std::move(apply)},
          options_{options},
          state_{from.allow_topics, key_of_},
          wake_{executor},
          look_{executor},
          random_{static_cast<std::minstd_rand::result_type>(
              (options.seed != 0 ? options.seed : std::random_device{}()) % 2147483647u)} {
        report_.source = "etcd";
        report_.state = "waiting";
        report_.connection = "etcd was not asked yet";
    }

    asio::awaitable<void> run() override {
        load_copy();
        start_at_ = steady::now() + drawn(options_.start_spread);
        patience_ends_ = start_at_ + options_.patience;
        async::task_group beside{executor_};
        beside.spawn(async::guarded(keep_looking(), broken_, wake_));
        std::exception_ptr ended;
        try {
            co_await deliver();
        } catch (...) {
            ended = std::current_exception();
        }
        beside.stop();
        for (auto& one : rounds_)
            one.tasks.stop();
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await beside.join();
        for (auto& one : rounds_)
            co_await one.tasks.join();
        rounds_.clear();
        std::rethrow_exception(ended);
    }

    const config_report& report() const override { return report_; }

    void applied(std::int64_t wall_ms) override {
        if (!pushed_ || !unconfirmed_) return;
        unconfirmed_ = false;
        report_.revision = pushed_->revision;
        report_.hash = pushed_->hash;
        report_.applied_ms = wall_ms;
        if (report_.state == "waiting") report_.state = "applied";
        tell();
    }

    void reload() override {
        if (!rounds_.empty()) rounds_.back().watch.refresh();
        look_.notify();
    }

    bool forget_vanished() override {
        if (!state_.forget_vanished()) return false;
        LOGAGENT_LOG(info, "config.forgotten",
                     "keys that vanished are given up, as a command has asked");
        // A start without etcd must not bring them back.
        save_copy();
        changed();
        return true;
    }

private:
    /// A watch over the keys of one set of addresses.
    struct round final : etcd::watch_handler {
        round(etcd_source& its_owner, etcd::watch_options options,
              std::map<std::string, std::string> addresses)
            : owner{its_owner},
              address_of{std::move(addresses)},
              watch{owner.executor_, owner.etcd_, std::move(options), *this},
              tasks{owner.executor_} {}

        // Only the newest round counts: an older one is on its way out.
        bool counts() const { return this == &owner.rounds_.back(); }

        void snapshot(etcd::snapshot now) override {
            if (!counts()) return;
            std::vector<config_entry> entries;
            for (auto& key : now.keys)
                entries.push_back({address_of.at(key.key), std::move(key.value), key.mod_revision});
            owner.state_.snapshot(now.cluster_id, now.revision, entries);
            owner.etcd_seen_ = true;
            owner.changed();
        }

        void changed(etcd::event change) override {
            if (!counts()) return;
            const auto& address = address_of.at(change.entry.key);
            if (change.what == etcd::event::kind::removed)
                owner.state_.removed(address, change.entry.mod_revision);
            else
                owner.state_.put(
                    {address, std::move(change.entry.value), change.entry.mod_revision});
            owner.changed();
        }

        void state(connection now, const std::string& text) override {
            if (counts()) owner.connection(now == connection::connected ? "" : text);
        }

        etcd_source& owner;
        std::map<std::string, std::string> address_of;  // by key
        etcd::watch watch;
        async::task_group tasks;
    };

    void changed() {
        dirty_ = true;
        wake_.notify();
    }

    void connection(const std::string& text) {
        if (text == report_.connection) return;
        if (text.empty())
            LOGAGENT_LOG(info, "config.connected", "etcd is followed");
        else
            LOGAGENT_LOG(warn, "config.connection", text << "; what is applied goes on");
        report_.connection = text;
        tell();
    }

    asio::awaitable<void> keep_looking() {
        co_await look_.wait_until(start_at_);
        for (;;) {
            look_at_addresses();
            co_await look_.wait_until(steady::now() + options_.address_interval);
        }
    }

    std::chrono::milliseconds drawn(std::chrono::milliseconds most) {
        std::uniform_int_distribution<std::int64_t> draw{0, most.count()};
        return std::chrono::milliseconds{draw(random_)};
    }

    void look_at_addresses() {
        std::erase_if(rounds_, [&](const round& one) {
            return &one != &rounds_.back() && one.tasks.empty();
        });
        auto found = addresses_();
        if (found.size() > most_addresses) {
            LOGAGENT_LOG(warn, "config.addresses",
                         found.size()
                             << " addresses; only the first " << most_addresses << " are used");
            found.resize(most_addresses);
        }
        if (state_.addresses(found, steady::now())) changed();
        if (!followed_ || *followed_ != found) follow(std::move(found));
        if (state_.has_lost_addresses() && steady::now() - saved_at_ >= copy_renewal) save_copy();
    }

    /// Begins a watch over the keys of these addresses in place of the one before.
    void follow(std::vector<std::string> found) {
        followed_ = found;
        changed();
        if (found.empty()) {
            if (!rounds_.empty()) rounds_.back().tasks.stop();
            connection("this host has no address whose key could be read; set `ips` in agent.ini");
            return;
        }
        etcd::watch_options options;
        options.known_cluster_id = state_.cluster_id();
        options.known_revision = state_.seen_revision();
        options.seed = random_();
        std::map<std::string, std::string> address_of;
        for (const auto& address : found) {
            const auto key = key_of_(address);
            if (address_of.emplace(key, address).second) options.ranges.push_back({key, false});
        }
        if (!rounds_.empty()) rounds_.back().tasks.stop();
        auto& begun = rounds_.emplace_back(*this, std::move(options), std::move(address_of));
        begun.tasks.spawn(async::guarded(begun.watch.run(), broken_, wake_));
    }

    /// Hands each new set of targets to the collector when its time has come.
    asio::awaitable<void> deliver() {
        for (;;) {
            if (broken_) std::rethrow_exception(broken_);
            if (dirty_) judge();
            const auto due = due_at();
            if (steady::now() >= due)
                push();
            else
                co_await wake_.wait_until(due);
        }
    }

    /// Brings the report to what is known now.
    void judge() {
        dirty_ = false;
        outcome_ = state_.outcome();
        report_.errors = outcome_.errors;
        report_.problems = outcome_.problems;
        if (followed_ && followed_->empty())
            report_.problems.emplace_back("no_address",
                                          "this host has no address whose key could be read");
        if (etcd_seen_) report_.source = "etcd";
        if (outcome_.failed && outcome_.failed_revision != report_.failed_revision) {
            LOGAGENT_LOG(warn, "config.failed",
                         "revision " << outcome_.failed_revision << " is no valid document: "
                                     << first_error() << "; what was applied before goes on");
            report_.failed_ms = os::wall_ms();
        }
        if (!outcome_.failed) report_.failed_ms = 0;
        report_.failed_revision = outcome_.failed_revision;
        report_.state = state_text();
        tell();
    }

    std::string state_text() const {
        if (outcome_.failed) return "failed";
        return report_.applied_ms != 0 ? "applied" : "waiting";
    }

    std::string first_error() const {
        if (outcome_.errors.empty()) return "";
        const auto& first = outcome_.errors.front();
        return first.key + first.pointer + ": " + first.detail;
    }

    bool differs() const {
        if (!outcome_.known) return false;
        return !pushed_ || pushed_->revision != outcome_.revision || pushed_->hash != outcome_.hash;
    }

    /// When the current set is to be applied; max = it is applied already.
    steady::time_point due_at() {
        if (!differs()) {
            due_.reset();
            return steady::time_point::max();
        }
        // Etcd may know better than the copy, so it is given a moment.
        if (!etcd_seen_) return patience_ends_;
        if (!pushed_) return steady::now();
        if (!due_) due_ = steady::now() + drawn(options_.spread);
        return *due_;
    }

    void push() {
        due_.reset();
        report_.source = etcd_seen_ ? "etcd" : "disk";
        pushed_ = applied_set{outcome_.revision, outcome_.hash};
        unconfirmed_ = true;
        LOGAGENT_LOG(info, "config.new",
                     outcome_.targets.size()
                         << " targets of revision " << outcome_.revision << " from "
                         << report_.source << ", " << outcome_.errors.size() << " complaints");
        if (etcd_seen_) save_copy();
        tell();
        apply_(outcome_.targets);
    }

    void load_copy() {
        if (copy_.empty()) return;
        std::ifstream file{copy_, std::ios::binary};
        if (!file) {
            if (errno != ENOENT)
                LOGAGENT_LOG(error, "config.copy",
                             "cannot read " << copy_ << ": " << base::describe_errno(errno));
            return;
        }
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const auto loaded = state_.load(text, steady::now());
        if (!loaded)
            LOGAGENT_LOG(error, "config.copy",
                         copy_ << ": " << loaded.error().text
                               << "; nothing is collected until etcd answers");
        dirty_ = true;
    }

    void save_copy() {
        saved_at_ = steady::now();
        if (copy_.empty()) return;
        if (const int error = os::durable_write(copy_, state_.save(steady::now())))
            LOGAGENT_LOG(error, "config.copy",
                         "cannot write " << copy_ << ": " << base::describe_errno(error)
                                         << "; a start without etcd would use an older one");
    }

    struct applied_set {
        std::int64_t revision = 0;
        std::string hash;
    };

    asio::any_io_executor executor_;
    etcd::client& etcd_;
    config_state::key_name key_of_;
    address_list addresses_;
    std::string copy_;
    apply_targets apply_;
    follow_options options_;
    config_state state_;
    config_outcome outcome_;
    config_report report_;
    async::event wake_;  // something came for deliver()
    async::event look_;  // look at the addresses now
    std::minstd_rand random_;
    std::list<round> rounds_;  // the last one counts
    std::optional<std::vector<std::string>> followed_;
    std::optional<applied_set> pushed_;
    std::optional<steady::time_point> due_;  // of a change that waits
    steady::time_point start_at_;            // etcd is not asked before
    steady::time_point patience_ends_;
    steady::time_point saved_at_;
    std::exception_ptr broken_;
    bool dirty_ = false;        // the state has changed since judge()
    bool etcd_seen_ = false;    // etcd has shown the keys in this run
    bool unconfirmed_ = false;  // the collector is still at the pushed set
};

}  // namespace

std::unique_ptr<config_source> follow_etcd(asio::any_io_executor executor, etcd::client& etcd,
                                           const settings& from, address_list addresses,
                                           std::string state_dir, apply_targets apply,
                                           follow_options options) {
    return std::make_unique<etcd_source>(std::move(executor), etcd, from, std::move(addresses),
                                         std::move(state_dir), std::move(apply), options);
}

}  // namespace logagent::agent
