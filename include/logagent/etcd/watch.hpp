#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "logagent/etcd/client.hpp"
#include "logagent/etcd/types.hpp"

namespace logagent::etcd {

/// All keys of a watch as they were at one revision.
struct snapshot {
    std::uint64_t cluster_id = 0;
    std::int64_t revision = 0;
    std::vector<key_value> keys;
};

struct event {
    enum class kind { put, removed };

    kind what = kind::put;
    key_value entry;  // removed: only key and mod_revision
};

/// What a watch tells. Called on the loop, one call at a time; must not destroy the watch.
class watch_handler {
public:
    virtual ~watch_handler() = default;

    /// The state of everything that is watched, at the start and whenever changes may have been
    /// missed. A key that was there before and is not in it is NOT reported as removed: it may have
    /// been deleted meanwhile, or the cluster may have been wiped. The handler decides. The
    /// revision can be smaller than the last one only after the cluster was wiped or restored.
    virtual void snapshot(etcd::snapshot now) = 0;

    /// One change after the last snapshot, in the order of revisions for each watched range.
    virtual void changed(etcd::event change) = 0;

    enum class connection { connected, retrying };

    /// connected: a snapshot was given and changes come; retrying: `text` says why not, and when
    /// the next try is. Called when the state changes and with each new reason.
    virtual void state(connection now, const std::string& text) = 0;
};

struct watch_options {
    std::vector<key_range> ranges;                         // 1 to 64, not overlapping
    std::chrono::milliseconds reconcile_interval{30'000};  // asking whether a change was missed
    std::chrono::milliseconds reconcile_jitter{5'000};     // added at random, up to this
    std::chrono::milliseconds grace{2'000};  // a change may be this late on the stream
    std::chrono::milliseconds first_retry{100};
    std::chrono::milliseconds longest_retry{10'000};
    int older_snapshots = 3;  // how often in a row an older snapshot is not believed (a stale read)
    std::uint64_t seed = 0;   // of the jitter
    // What a run before this one has applied last; 0 = nothing.
    std::uint64_t known_cluster_id = 0;
    std::int64_t known_revision = 0;
};

/// Follows keys: a snapshot, then each change, for ever, over lost connections, compaction,
/// fail-over, lost events and wiped clusters. Silence is not taken for health: every 30 s one
/// transaction asks whether anything was missed.
class watch {
public:
    watch(boost::asio::any_io_executor executor, client& etcd, watch_options options,
          watch_handler& handler);
    ~watch();

    /// Runs until stopped.
    boost::asio::awaitable<void> run();

    /// Takes a new snapshot soon, for example because the local copy was lost.
    void refresh();

private:
    class follower;
    std::unique_ptr<follower> follower_;
};

}  // namespace logagent::etcd
