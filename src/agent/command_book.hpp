#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command.hpp"
#include "logagent/agent/replay_lines.hpp"
#include "logagent/base/error.hpp"

namespace logagent::agent {

/// How far a replay has come, over all processes that worked on it.
struct replay_memory {
    bool planned = false;
    std::string topic;
    std::uint64_t bytes = 0;  // of the plan
    std::uint64_t lines = 0;  // about
    std::vector<std::string> notes;
    std::optional<tail::replay_point> end;  // of the plan
    std::optional<tail::replay_point> at;   // everything before it is settled
    replay_figures settled;
    std::string waits_for;
    replay_figures before;  // settled by processes before the one that runs

    /// A process begins where the last one has ended.
    void process_begins() { before = settled; }
    void take(const replay_line& line);
};

/// What a command came to.
struct command_outcome {
    bool good = false;
    std::string code;     // of a failure
    std::string text;     // of a failure, or a remark
    std::string members;  // of the answer, as JSON: `"paths":[],"more":false`; may be empty
};

struct command_entry {
    enum class phase : std::uint8_t {
        seen,      // nothing was looked up yet
        looked,    // has no answer yet
        accepted,  // a replay that waits for its turn
        running,   // a replay with a process, or one that needs it again
    };

    std::string host;  // under which name the command was given
    std::string id;
    std::string value;      // of the key; kept for replays
    std::string name;       // "replay"; empty = it could not be read
    std::string arguments;  // as JSON, for the answer; empty = none, or too long
    std::int64_t revision = 0;
    phase now = phase::seen;
    bool confirmed = true;  // false: known from the state, and etcd was not seen yet
    bool cancelled = false;
    std::optional<command> what;
    std::optional<command_outcome> outcome;
    std::int64_t accepted_ms = 0;
    std::int64_t started_ms = 0;
    std::int64_t ended_ms = 0;
    std::int64_t lease = 0;
    std::int64_t leased_ms = 0;
    std::int64_t reported_ms = 0;
    bool unreported = false;  // etcd shows less than is known
    replay_memory replay;

    /// Fills in what the answer shows of the command, also where it is refused.
    void show(std::string_view value_read);
    bool is_replay() const { return what && std::holds_alternative<replay_command>(*what); }
};

/// Every command that this agent knows of and has not answered to the end, and what is to be done
/// next. Pure: others talk to etcd and run processes.
///
/// A command is accepted within its lease or not at all. A replay is accepted first and then runs
/// when no other does; from then on only the deletion of its key ends it early. Everything else is
/// carried out and answered at once. An answer takes the command away.
class command_book {
public:
    using key = std::pair<std::string, std::string>;  // host, id

    static constexpr std::size_t most_known = 64;    // all at once would be too much for one turn
    static constexpr std::size_t most_waiting = 16;  // replays
    static constexpr std::int64_t report_interval_ms = 5000;  // between two reports of progress
    static constexpr std::int64_t renew_interval_ms = 3'600'000;

    explicit command_book(std::string instance) : instance_{std::move(instance)} {}

    // What etcd shows. put() returns false where there is no room: it has to be shown again later.
    bool put(const std::string& host, const std::string& id, std::string_view value,
             std::int64_t revision, std::int64_t now_ms);
    void removed(const std::string& host, const std::string& id, std::int64_t now_ms);
    /// All commands of a host were given to put(); those that are not among `ids` are gone.
    void complete(const std::string& host, const std::vector<std::string>& ids,
                  std::int64_t now_ms);

    enum class duty : std::uint8_t {
        look,     // whether there is an answer already: looked() or answered()
        execute,  // ended()
        accept,   // write "accepted" and keep the command: accepted() or dismiss()
        begin,    // start the process: began()
        report,   // write how far it is: reported()
        renew,    // the lease: leased()
        answer,   // write the outcome and take the command away: answered()
    };
    struct task {
        duty what = duty::look;
        command_book::key key;
    };
    /// The most urgent one; nothing = see next_at().
    std::optional<task> next(std::int64_t now_ms) const;
    /// When next() has something without anything happening; max = never.
    std::int64_t next_at(std::int64_t now_ms) const;

    // What was done.
    void looked(const key& which);
    void accepted(const key& which, std::int64_t lease, std::int64_t now_ms);
    void leased(const key& which, std::int64_t lease, std::int64_t now_ms);
    void began(const key& which, std::int64_t now_ms);
    void told(const key& which, const replay_line& line);
    void reported(const key& which, std::int64_t now_ms);
    void ended(const key& which, command_outcome outcome, std::int64_t now_ms);
    /// Its process has ended because this agent ends: it goes on after a restart.
    void suspended(const key& which);
    /// The answer stands, or nobody waits for one.
    void answered(const key& which) { entries_.erase(which); }

    const command_entry* find(const key& which) const;
    std::optional<key> running() const { return running_; }
    std::size_t size() const noexcept { return entries_.size(); }

    /// The value of `_result/<host>/<id>`.
    std::string result(const key& which, std::int64_t now_ms) const;

    /// What a restart has to know: replays that were accepted.
    std::string save() const;
    /// Code "corrupt"; then nothing is known.
    base::result<void> load(std::string_view text);

private:
    std::size_t waiting() const;
    std::optional<duty> due(const command_entry& entry, std::int64_t now_ms) const;

    std::string instance_;
    std::map<key, command_entry> entries_;
    std::optional<key> running_;  // it has a process
};

}  // namespace logagent::agent
