#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "parts.hpp"

// History and audit do not grow for ever.

namespace logagent::web {

struct pruning_limits {
    std::size_t revisions = 200;     // of one service
    std::int64_t revision_days = 0;  // 0 = any age; the newest `young_revisions` stay anyhow
    std::size_t audit_records = 100'000;
    std::int64_t audit_days = 365;  // 0 = any age
    std::size_t rollouts = 200;     // that have ended
};

/// So many revisions of a service stay however old they are, to go back to.
constexpr std::size_t young_revisions = 10;

/// One thing that may go, with its age; newest first.
struct dated_key {
    std::string key;
    std::int64_t at_ms = 0;
};

/// Keys beyond the first `most`, and those older than `days` (0 = any age). The first `always` stay
/// in any case. Pure.
std::vector<std::string> expired(std::span<const dated_key> newest_first, std::size_t most,
                                 std::int64_t days, std::size_t always, std::int64_t now_ms);

/// Milliseconds since 1970 of a ULID; 0 if it is none. Pure.
std::int64_t time_of_ulid(std::string_view ulid);

/// Removes what has expired, some hundred keys at a time; returns how many. Throws `refused` (503).
boost::asio::awaitable<std::size_t> prune(parts& with, pruning_limits limits, std::int64_t now_ms);

}  // namespace logagent::web
