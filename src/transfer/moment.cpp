#include "transfer/moment.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace logagent::transfer {

namespace {

constexpr std::int64_t last_moment = 253'402'300'799'999;

}  // namespace

utc_moment utc_of(std::int64_t ms) noexcept {
    ms = std::clamp<std::int64_t>(ms, 0, last_moment);
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

void moment_writer::append(std::string& out, std::int64_t ms) {
    if (ms < 0 || ms / 1000 != second_) {
        const utc_moment at = utc_of(ms);
        second_ = ms < 0 ? -1 : ms / 1000;
        text_.clear();
        append_padded(text_, static_cast<std::uint32_t>(at.year), 4);
        for (const auto& [before, part] : {std::pair{'-', at.month},
                                           {'-', at.day},
                                           {'T', at.hour},
                                           {':', at.minute},
                                           {':', at.second}}) {
            text_ += before;
            append_padded(text_, part, 2);
        }
        text_ += '.';
    }
    out += text_;
    // Beyond what has a name, as utc_of() has it.
    const bool named = ms >= 0 && ms <= last_moment;
    append_padded(out, named ? static_cast<std::uint32_t>(ms % 1000) : ms < 0 ? 0 : 999, 3);
    out += 'Z';
}

}  // namespace logagent::transfer
