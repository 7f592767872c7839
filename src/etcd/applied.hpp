#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "logagent/etcd/client.hpp"
#include "logagent/etcd/watch.hpp"

namespace logagent::etcd {

/// What a watch has passed on, and so what it may believe, ignore and ask for next. Pure.
class applied {
public:
    applied(std::vector<key_range> ranges, std::uint64_t known_cluster_id,
            std::int64_t known_revision);

    /// The same cluster at an earlier revision than what was passed on: a stale read, or a cluster
    /// that was restored from a backup.
    bool older(const header& read) const;
    /// A stream that begins with this header goes on where the last one ended. If not, it would
    /// stay silent until its revision has caught up with ours.
    bool continues(const header& created) const;

    /// Everything is now as in `keys`, one list for each range.
    void snapshot(const header& read, const std::vector<std::vector<key_value>>& keys);

    /// Takes an event in; false: it was known already and must not be passed on.
    bool take(std::size_t range, const event& change);
    /// The message with these events is complete. `fragment`: the next one goes on with it, so the
    /// newest revision of this one may not be complete.
    void message_done(std::size_t range, bool fragment);

    /// Where a new watch of this range has to begin.
    std::int64_t next_revision(std::size_t range) const { return states_[range].complete + 1; }

    std::int64_t revision() const;  // the newest that was passed on
    std::uint64_t cluster_id() const { return cluster_id_; }
    const std::vector<key_range>& ranges() const { return ranges_; }

    /// The operations of a transaction that asks whether something was missed.
    std::vector<operation> questions() const;

    enum class verdict {
        same,        // nothing was missed, or it cannot be told because newer events have come
        differs,     // the missing event may still be on its way
        other_past,  // another cluster, or one that went back: nothing of ours holds
    };
    /// Judges the answer. `asked_at` is revision() from before the question was sent.
    verdict compare(const txn_result& answer, std::int64_t asked_at) const;

private:
    struct state {
        std::map<std::string, std::int64_t> keys;  // present ones, with their mod_revision
        std::int64_t complete = 0;                 // all events up to it were passed on
        std::int64_t newest = 0;                   // in the current message
    };

    bool differs(std::size_t range, const range_result& newest, const range_result* count,
                 std::int64_t at) const;

    std::vector<key_range> ranges_;
    std::vector<state> states_;  // one for each range
    std::uint64_t cluster_id_;
    std::int64_t known_revision_;  // before the first snapshot
};

}  // namespace logagent::etcd
