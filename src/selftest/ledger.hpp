#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/selftest/verdict.hpp"
#include "selftest/line.hpp"

namespace logagent::selftest {

/// What was written and what was read of it; the judge of the selftest. Pure.
///
/// A log has one life after the other: a rotation ends one and begins the next. A life that is over
/// and was read to its end is kept as counts only, so a run of hours needs no more memory.
class ledger {
public:
    /// `run` begins each line, so that nobody else's lines are taken for ours.
    ledger(std::string run, std::uint32_t writers);

    // What the writers say.

    /// The line that this writer writes next.
    line_id next(std::uint32_t writer) const;
    std::string text(const line_id& id) const { return make_line(run_, id); }

    /// The line next() named is in the file now, with its line end.
    void written(std::uint32_t writer);

    /// The current life is over: later lines go to an empty file.
    void rotated(std::uint32_t writer);

    /// The same by a truncation, after the first `copied` bytes went into a copy: nobody can
    /// collect what stood behind them but who read it before.
    void truncated(std::uint32_t writer, std::uint64_t copied);

    // What the reader says.

    /// A record came. `agent` counts the agents of the run: which one has sent it.
    void took(std::string_view key, std::string_view value, std::uint32_t agent);

    /// Brokers went away or came back; tells apart why lines come again.
    void outage() { ++outages_; }

    // Questions, all answered at once.

    std::uint32_t life(std::uint32_t writer) const { return logs_[writer].lives.back().number; }

    /// Everything of that life that can be read has been.
    bool complete(std::uint32_t writer, std::uint32_t life) const;

    /// Whether that agent has sent a line of this writer's current life.
    bool reached(std::uint32_t writer, std::uint32_t agent) const;

    /// Lines and bytes that are still to come.
    std::uint64_t missing() const { return sum_.written - sum_.delivered - sum_.cut; }
    std::uint64_t missing_bytes() const { return missing_bytes_; }
    const tally& sum() const { return sum_; }

    /// Judges; what has not come by now is lost.
    verdict judge() const;

private:
    struct line_state {
        std::uint64_t start;
        std::uint32_t size;       // with the line end
        std::uint16_t agent = 0;  // that sent the first copy
        bool seen = false;
        bool cut = false;
    };
    struct life_state {
        std::uint32_t number = 1;
        std::uint64_t first_line = 0;
        std::uint64_t lines_written = 0;
        std::uint64_t size = 0;
        std::uint64_t open = 0;         // lines that are still to come
        std::uint32_t agent = 0;        // that sent a line last
        std::vector<line_state> lines;  // empty once the life is kept as counts
        std::string generation;         // of the first record
    };
    struct log_state {
        std::deque<life_state> lives;
        std::uint64_t lines_written = 0;
        tally counts;
    };
    struct place {
        std::uint32_t writer;
        std::uint32_t life;
        bool operator==(const place&) const = default;
    };

    void count(std::uint32_t writer, std::uint64_t tally::*what, std::uint64_t change = 1);
    void first_copy(const line_id& id, life_state& life, line_state& found, std::uint32_t agent);
    void further_copy(const line_id& id, std::uint32_t first_agent, std::uint32_t agent);
    void other_id(const line_id& id, const life_state& life, const record_key& named, bool fresh);
    void torn(std::string why, std::string_view key, std::string_view value);
    void forget_old_lives(log_state& of);

    std::string run_;
    std::vector<log_state> logs_;
    std::map<std::string, place, std::less<>> generations_;
    tally sum_;
    std::uint64_t missing_bytes_ = 0;
    std::uint64_t outages_ = 0;
    std::uint64_t torn_ = 0;
    std::vector<std::string> torn_text_;
    std::vector<std::string> other_ids_;
};

}  // namespace logagent::selftest
