#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "logagent/agent/replay_lines.hpp"
#include "logagent/base/error.hpp"

namespace logagent::agent {

/// Send a part of a log again. Texts are as `logagent replay` takes them.
struct replay_command {
    std::string path;
    std::string generation;  // empty = all
    std::string offset;      // "A:B" or "A:"; of offset, since with until, and last one is there
    std::string since;
    std::string until;
    std::string last;
    std::string topic;       // empty = the one that the lines went to first
    std::uint64_t rate = 0;  // lines per second; 0 = no limit of its own
    bool dry_run = false;

    bool operator==(const replay_command&) const = default;
};

/// List files that a glob reaches and that may be read.
struct paths_command {
    std::string glob;
    std::size_t limit = 0;

    bool operator==(const paths_command&) const = default;
};

/// Look at everything now.
struct rescan_command {
    bool operator==(const rescan_command&) const = default;
};

/// Give up targets whose key has vanished without a deletion that was seen.
struct forget_command {
    bool operator==(const forget_command&) const = default;
};

using command = std::variant<replay_command, paths_command, rescan_command, forget_command>;

inline constexpr std::size_t most_command_bytes = 16 << 10;
inline constexpr std::uint64_t default_replay_rate = 10'000;  // lines per second

/// Reads the value of `_cmd/<host>/<id>`. `instance` is that of this agent; a command that names
/// none is for whoever reports under the host's name. Moments such as "2h" become those before
/// `now_ms`, so that a restart does not move them.
///
/// Codes: "too_large", "syntax", "other_instance", "unknown_command", "not_supported", "arguments".
base::result<command> parse_command(std::string_view value, std::string_view instance,
                                    std::int64_t now_ms);

/// Whether a key's last part can name a command: 1 to 64 of A-Z a-z 0-9 - _; a ULID does.
bool is_command_id(std::string_view id);

/// What follows `logagent` for a process that carries the command out. `done` and `end`: where it
/// goes on, and where it was to end when it began; none = it begins.
std::vector<std::string> replay_words(const replay_command& wanted,
                                      const std::optional<tail::replay_point>& done,
                                      const std::optional<tail::replay_point>& end);

}  // namespace logagent::agent
