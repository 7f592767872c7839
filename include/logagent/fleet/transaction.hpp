#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/fleet/plan.hpp"

namespace logagent::fleet {

/// What fits into one transaction of etcd, and how much of it each host and the caller's own keys
/// (revision, audit, cursor) take.
struct transaction_limits {
    std::size_t operations = 128;   // etcd counts compares and puts apart: the longer list counts
    std::size_t bytes = 1'572'864;  // 1.5 MiB a request
    std::size_t operations_each =
        1;                       // puts for each key; 2 if what was rendered is noted beside it
    std::size_t bytes_each = 0;  // bytes of those notes
    std::size_t operations_kept = 0;  // of the caller, in every transaction
    std::size_t bytes_kept = 0;
};

/// Keys [first, last) of plan::writes.
struct key_batch {
    std::size_t first = 0;
    std::size_t last = 0;
    bool operator==(const key_batch&) const = default;
};

/// Cuts the writes of a plan into transactions, in their order. The keys of one host stay together,
/// so that no agent sees half a change. One batch means that the whole plan is atomic. A host that
/// does not fit alone has a batch of its own, which etcd may refuse.
std::vector<key_batch> split(const plan& from, std::string_view prefix,
                             const transaction_limits& limits = {});

/// A put that is only made while the key is as the plan saw it.
struct guarded_write {
    std::string key;
    std::string value;
    std::int64_t mod_revision = 0;  // compare MOD with this; 0 = the key must not exist
};

/// The writes of one batch.
std::vector<guarded_write> writes_of(const plan& from, const rendering& wanted,
                                     std::string_view prefix, const key_batch& batch);

}  // namespace logagent::fleet
