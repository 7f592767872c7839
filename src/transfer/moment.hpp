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

/// Appends "2026-11-23T23:11:00.123Z". Documents need it once each, so it is no strftime().
void append_moment(std::string& out, std::int64_t ms);

/// Appends a number with zeros before it.
void append_padded(std::string& out, std::uint32_t value, std::uint32_t digits);

}  // namespace logagent::transfer
