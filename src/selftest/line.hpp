#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace logagent::selftest {

/// Which line of the run it is.
struct line_id {
    std::uint32_t writer = 0;
    std::uint32_t life = 0;    // of the writer's log: 1 until the first rotation, then 2, ...
    std::uint64_t number = 0;  // counts the writer's lines, over all lives
    std::uint64_t start = 0;   // offset in that life

    bool operator==(const line_id&) const = default;
};

/// The text of a line, without a line end: "RUN writer 2 life 5 line 123 at 4567 PADDING". All of
/// it follows from `run` and `id`, so whoever reads it can tell whether one byte is wrong. Most are
/// 60 to 200 bytes long, a few some thousand.
std::string make_line(std::string_view run, const line_id& id);

/// Which line `text` is; nothing unless every byte is as make_line() made it.
std::optional<line_id> read_line(std::string_view run, std::string_view text);

/// What the key of a record says.
struct record_key {
    std::string generation;
    std::uint64_t start = 0;
    std::uint64_t end = 0;  // behind the line end
};

/// Reads ["host","service","path","generation",start,end]; nothing for anything else.
std::optional<record_key> read_key(std::string_view key);

}  // namespace logagent::selftest
