#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/fake_directory.hpp"
#include "ledger.hpp"
#include "logagent/checkpoint/journal.hpp"
#include "support/run.hpp"
#include "tail/fake_broker.hpp"
#include "tail/fake_disk.hpp"
#include "truth.hpp"
#include "watched_store.hpp"

namespace logagent::test {

/// The agent's real data path (collector, delivery, journal) on a machine in memory whose clock
/// moves only when it is told to.
class model_host {
public:
    using change = os::inotify::change;

    model_host();
    ~model_host();

    fake_disk disk;
    fake_broker broker;
    fake_directory state;
    truth known;
    ledger losses{known};
    tail::moment now{tail::time_point{std::chrono::seconds{1000}}, 1'000'000'000};

    std::vector<fleet::log_target> targets;  // what is to be collected

    // The cluster.
    bool cluster_down = false;
    std::map<std::string, int> partitions{{"t", 2}, {"u", 1}, {"t.dead", 1}, {"u.dead", 1}};
    std::map<std::string, kafka::error> topic_errors;
    std::set<std::pair<std::string, std::int32_t>> leaderless;

    std::uint64_t held_deleted_bytes = std::uint64_t{1} << 30;  // of the next process

    bool running() const { return agent_ != nullptr; }
    /// Ever.
    bool started() const { return now.steady != tail::time_point{std::chrono::seconds{1000}}; }
    void start();
    /// As SIGTERM: waits for what is in flight as long as it may.
    void stop();
    /// As SIGKILL; of what waits in the client so many records had reached the cluster.
    void kill(std::size_t main_stored, std::size_t careful_stored);
    /// `renames` and `tail` as fake_directory::cut_power().
    void cut_power(std::size_t stored, std::size_t renames, std::size_t tail);
    /// Since the last start.
    bool power_was_cut() const { return cut_; }
    /// The process ends in the middle of the n-th operation on its state from now on.
    void end_at(std::size_t operation, bool power);
    /// Operations on the state fail: the next one, or all until state_works().
    void state_fails(bool always);
    void state_works();

    void apply();
    void hint(change what, const std::string& path);
    /// Events that were not read yet never will be.
    void lose_hints(bool tell);
    /// Reads at most `hints` events, then one turn; nothing is reported.
    void turn(std::size_t hints);
    /// Reports at most `records`.
    void report(std::size_t main, std::size_t careful);
    /// Turns and reports until nothing more happens at this moment.
    void settle();
    void pass(tail::duration time);
    /// The client dies with what waits in it.
    void abandon(bool careful, std::size_t stored);

    /// What must hold at every moment.
    void check();
    /// Nothing waits and nothing is held any more.
    void check_quiet();
    const tail::collector& agent() const { return *agent_; }

private:
    class watches final : public tail::directory_watch {
    public:
        int watch(const std::string& directory) override {
            ++counts[directory];
            return 0;
        }
        void unwatch(const std::string& directory) override { --counts[directory]; }
        std::map<std::string, int> counts;
    };
    struct event {
        change what;
        std::string directory;
        std::string name;
    };

    /// Runs something of the agent; the process may end in it.
    void in_process(const std::function<void()>& what);
    void agent_turn();
    void describe();
    void read_hints(std::size_t limit);
    void write_journal();
    enum class ending { stop, kill, power_cut };
    void ended(ending how, std::size_t main_stored, std::size_t careful_stored);
    void check_kept() const;
    void watch_ledger();
    bool wanted(const checkpoint::position_record& position) const;
    bool knows(const truth::life& life, const std::string& log_path) const;
    void move_clock(tail::duration by);

    watches watches_;
    std::vector<event> hints_;
    std::unique_ptr<checkpoint::journal> journal_;
    std::unique_ptr<background> writing_;
    std::unique_ptr<watched_store> watched_;
    std::unique_ptr<tail::collector> agent_;
    tail::time_point written_at_{};
    tail::time_point next_turn_{};
    std::map<checkpoint::state::position_key, std::uint64_t> synced_;
    bool state_failed_ = false;  // in this process
    bool end_is_power_cut_ = false;
    std::uint64_t crashes_at_start_ = 0;
    std::size_t cut_renames_ = 0;
    std::size_t cut_tail_ = 500;
    bool cut_ = false;  // since the last start
};

}  // namespace logagent::test
