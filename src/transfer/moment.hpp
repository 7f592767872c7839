#pragma once

#include <cstdint>
#include <string>

namespace logagent::transfer {

/// A moment's parts in UTC.
struct utc_moment {
    std::int32_t year = 1970;
    std::uint32_t month = 1;
    std::uint32_t day = 1;
    std::uint32_t hour = 0;
    std::uint32_t minute = 0;
    std::uint32_t second = 0;
    std::uint32_t millisecond = 0;
};

/// `ms` since the epoch; before it, or beyond the year 9999, it is the nearest of these moments.
utc_moment utc_of(std::int64_t ms) noexcept;

/// Writes "2026-11-23T23:11:00.123Z". Lines come in runs of one second, whose text it keeps.
class moment_writer {
public:
    void append(std::string& out, std::int64_t ms);

private:
    std::int64_t second_ = -1;  // since the epoch
    std::string text_;          // up to the milliseconds
};

/// Appends a number with zeros before it.
void append_padded(std::string& out, std::uint32_t value, std::uint32_t digits);

}  // namespace logagent::transfer
