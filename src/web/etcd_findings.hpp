#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the doctor concludes from what it has seen. Pure.

namespace logagent::web {

enum class severity { ok, warn, bad };

struct finding {
    severity how = severity::ok;
    std::string text;  // one line: what was found, and what to do
};

/// One line: "warn  the history ...".
std::string line_of(const finding& one);

/// What was seen of one etcd.
struct etcd_seen {
    bool plain_remote = false;             // an endpoint that is neither loopback nor TLS
    std::optional<bool> anonymous_writes;  // without a user; nothing = could not be tried
    bool own_writes = false;               // with the configured user
    std::string own_failure;               // why not
    bool with_user = false;                // a user is configured
    std::int64_t revision = 0;
    std::int64_t kept_revisions = 0;           // back to the last compaction
    std::optional<std::uint64_t> quota_bytes;  // nothing = not known
    std::uint64_t used_bytes = 0;              // of the database file
    std::vector<std::string> alarms;           // "NOSPACE"
    std::size_t members = 0;
    std::vector<std::string> silent;  // endpoints that do not answer
};

std::vector<finding> judge(const etcd_seen& seen);

/// The value of a metric without labels in Prometheus text; nullopt if it is not there.
std::optional<std::uint64_t> metric_value(std::string_view text, std::string_view name);

}  // namespace logagent::web
