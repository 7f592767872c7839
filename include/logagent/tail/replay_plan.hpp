#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "logagent/tail/generation_files.hpp"
#include "logagent/tail/time_search.hpp"

namespace logagent::tail {

/// Bytes [begin, end) of one generation; without an end: to its end.
struct offset_range {
    std::uint64_t begin = 0;
    std::optional<std::uint64_t> end;
};

/// The last bytes of a path, over its generations.
struct last_bytes {
    std::uint64_t count = 0;
};

/// A byte of one generation.
struct replay_point {
    checkpoint::generation_id generation;
    std::uint64_t offset = 0;

    bool operator==(const replay_point&) const = default;
};

struct replay_request {
    std::string path;
    std::optional<checkpoint::generation_id> generation;  // only this one
    std::variant<offset_range, time_span, last_bytes> what;
    /// Bounds of a replay that goes on: nothing before `from`, which was sent, and nothing from
    /// `to` on, which was not there when it began. With `from` the count of last_bytes means
    /// nothing.
    std::optional<replay_point> from;
    std::optional<replay_point> to;
    /// Whether a line begins a record, where several lines are one; empty: each line is one. Gets
    /// the first 512 bytes.
    std::function<bool(std::string_view)> begins_record;
};

/// Ranges of one generation. They hold whole records.
struct replay_part {
    generation_file file;
    std::vector<checkpoint::range> ranges;
    std::uint64_t bytes = 0;
    time_format stamps = time_format::none;  // where it was searched by time
};

struct replay_plan {
    std::vector<replay_part> parts;  // in the order of sending: oldest first
    std::uint64_t bytes = 0;
    std::vector<std::string> notes;  // what was left out, and why
};

/// The request cannot be carried out as it was made; one line for the person who made it.
class replay_refusal : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Decides what is to be sent. Ranges are widened to whole lines, and to whole records; the last
/// line of the current file is left out while it has no end, since its record is not complete.
/// Takes over the files it uses. Throws replay_refusal.
replay_plan make_replay_plan(const replay_request& wanted, generation_listing found);

}  // namespace logagent::tail
