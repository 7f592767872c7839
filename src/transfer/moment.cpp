#include "transfer/moment.hpp"

#include <algorithm>
#include <chrono>

namespace logagent::transfer {

utc_moment utc_of(std::int64_t ms) noexcept {
    constexpr std::int64_t most = 253'402'300'799'999;
    ms = std::clamp<std::int64_t>(ms, 0, most);
    const auto day = ms / 86'400'000;
    const auto in_day = static_cast<std::uint32_t>(ms % 86'400'000);
    const std::chrono::sys_days date{std::chrono::days{day}};
    const std::chrono::year_month_day parts{date};
    utc_moment made;
    made.year = static_cast<int>(parts.year());
    made.month = static_cast<unsigned>(parts.month());
    made.day = static_cast<unsigned>(parts.day());
    made.hour = in_day / 3'600'000;
    made.minute = in_day / 60'000 % 60;
    made.second = in_day / 1000 % 60;
    made.millisecond = in_day % 1000;
    return made;
}

void append_padded(std::string& out, std::uint32_t value, std::uint32_t digits) {
    out.append(digits, '0');
    for (auto at = out.rbegin(); digits-- > 0; value /= 10)
        *at++ = static_cast<char>('0' + value % 10);
}

void append_moment(std::string& out, std::int64_t ms) {
    const utc_moment at = utc_of(ms);
    append_padded(out, static_cast<std::uint32_t>(at.year), 4);
    out += '-';
    append_padded(out, at.month, 2);
    out += '-';
    append_padded(out, at.day, 2);
    out += 'T';
    append_padded(out, at.hour, 2);
    out += ':';
    append_padded(out, at.minute, 2);
    out += ':';
    append_padded(out, at.second, 2);
    out += '.';
    append_padded(out, at.millisecond, 3);
    out += 'Z';
}

}  // namespace logagent::transfer
