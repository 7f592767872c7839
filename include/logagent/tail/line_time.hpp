#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace logagent::tail {

/// How a line of a log says when it happened.
enum class time_format : std::uint8_t {
    none,
    nginx,     // [23/Nov/2026:23:11:00 +0000], anywhere near the front
    iso,       // 2026-11-23T23:11:00.123Z, also with a blank or "/", without zone: local time
    syslog,    // Nov 23 23:11:00 at the front, without year and zone (RFC 3164)
    epoch_s,   // 1795475460 or 1795475460.123
    epoch_ms,  // 1795475460123
};

std::string_view name(time_format format) noexcept;

/// Finds and reads the time stamps of the lines of one file.
///
/// The first line that has one decides the format, so that a number in the text of a later line is
/// not taken for a time. A stamp is looked for in the first 512 bytes of a line. Times without a
/// zone are the local time of this host.
class line_clock {
public:
    /// `modified_ms`: when the file was last written. Stamps without a year belong to the year in
    /// which they are not later than that.
    explicit line_clock(std::int64_t modified_ms) noexcept : modified_ms_{modified_ms} {}

    /// Milliseconds since the epoch; nothing where the line has no stamp.
    std::optional<std::int64_t> read(std::string_view line);

    time_format format() const noexcept { return format_; }

private:
    std::optional<std::int64_t> read_as(time_format format, std::string_view line) const;

    std::int64_t modified_ms_;
    time_format format_ = time_format::none;
};

/// Finds the time stamps of lines that have nothing to do with each other: the same line always has
/// the same time, whatever came before it.
///
/// The first stamp of a line counts. Bare numbers are stamps at the front of the line and as the
/// JSON members ts, time, timestamp and @timestamp only.
class line_moments {
public:
    /// `zone_minutes`: how far east of UTC times without a zone are. The zone of this host says
    /// nothing about lines that were written elsewhere.
    explicit line_moments(std::int32_t zone_minutes) noexcept : zone_minutes_{zone_minutes} {}

    /// Milliseconds since the epoch; nothing where the line has no stamp. Stamps without a year
    /// belong to the year in which they are not later than `near_ms` and a day.
    std::optional<std::int64_t> find(std::string_view line, std::int64_t near_ms) const;

private:
    std::int32_t zone_minutes_;
};

/// Reads what a person writes for a moment: "2026-11-23T23:11:00Z", "2026-11-23 23:11",
/// "2026-11-23" (local time where no zone is given), "1795475460", "1795475460123", "now", "90s",
/// "30m", "2h", "3d" (that long before `now_ms`, "ago" allowed behind it). Nothing for anything
/// else.
std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now_ms);

/// "2026-11-23T23:11:00.123Z".
std::string_view format_moment(std::int64_t ms, char (&room)[40]);

}  // namespace logagent::tail
