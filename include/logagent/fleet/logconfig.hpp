#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/schema.hpp"
#include "logagent/fleet/log_target.hpp"

namespace logagent::fleet {

/// Targets of one host, and entries of one array, at most.
inline constexpr std::size_t most_targets = 200;

/// What is wrong with one entry, or one field of it.
///
/// Codes: of an entry "missing", "type", "range", "choice", "path", "topic", "service", "glob",
/// "pattern", "duplicate" (same path and topic twice), "conflict" (another address wins), "limit",
/// "unsupported" (valid, but not in this version), "duplicate_key", "number", "nul"; of the whole
/// document (pointer "") those of base::json_error and "type"; "unknown_field" is a warning.
struct entry_error {
    std::string pointer;  // RFC 6901, into the array
    std::string code;
    std::string text;
    bool refused = true;  // false: a warning, the entry is used

    bool operator==(const entry_error&) const = default;
};

/// One logconfig array, entry by entry.
struct parsed_logconfig {
    std::vector<log_target> targets;
    std::vector<std::size_t> indexes;  // where each target stands in the array
    std::vector<entry_error> errors;
    bool broken = false;  // not an array of entries at all: nothing must be changed because of it
};

/// Reads the value of a logconfig key. A bad entry is refused alone, with everything that is wrong
/// with it; an unknown field is only reported, since agents of several versions read the same key.
/// Entries after the 200th are refused. A document that is no JSON array, is empty or larger than
/// 1.5 MiB is broken.
parsed_logconfig parse_logconfig(std::string_view json);

/// Checks a target that was not read from JSON (`--file`), and brings its path into normal form.
/// Pointers begin with `pointer`.
std::vector<entry_error> check_target(log_target& target, const std::string& pointer = "");

/// Every field of an entry; what parse_logconfig() works from.
std::span<const base::schema_row> target_fields();

/// The entry as JSON: service, log_path, topic and send_rate, then what differs from its default,
/// in the order of target_fields(). parse_logconfig() gives the same target back, except for
/// `trusted`.
boost::json::object to_json(const log_target& target);

/// An array of to_json(): equal for equal lists, for the hash and the last good copy.
std::string canonical_logconfig(std::span<const log_target> targets);

/// Names the content of a logconfig: XXH3 of its bytes, 16 hexadecimal digits. An agent reports
/// that of canonical_logconfig() as the hash of what it applied.
std::string content_hash(std::string_view bytes);

/// Whether a glob of `exclude` fits: one with a slash against the path, one without against the
/// name.
bool excludes(const log_target& target, std::string_view path);

}  // namespace logagent::fleet
