#include "logagent/tail/line_time.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace logagent::tail {

namespace {

constexpr std::size_t looked_at = 512;
constexpr std::int64_t day_ms = 86'400'000;
// Numbers below are seconds since 2001, up to 2096; ten digits each.
constexpr std::int64_t least_epoch = 1'000'000'000;
constexpr std::int64_t most_epoch = 4'000'000'000;

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_word(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Reads a text from its front; after a failure nothing is to be made of what was read.
struct reader {
    std::string_view rest;

    bool eat(char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    /// Exactly `digits` of them, at most `most`.
    bool number(int digits, int most, int& out) {
        if (rest.size() < static_cast<std::size_t>(digits)) return false;
        out = 0;
        for (int at = 0; at < digits; ++at) {
            if (!is_digit(rest[static_cast<std::size_t>(at)])) return false;
            out = out * 10 + (rest[static_cast<std::size_t>(at)] - '0');
        }
        rest.remove_prefix(static_cast<std::size_t>(digits));
        return out <= most;
    }
    bool month(int& out) {
        for (std::size_t at = 0; at < months.size(); ++at) {
            if (!rest.starts_with(months[at])) continue;
            out = static_cast<int>(at) + 1;
            rest.remove_prefix(3);
            return true;
        }
        return false;
    }
    bool clock(std::tm& out) {
        return number(2, 23, out.tm_hour) && eat(':') && number(2, 59, out.tm_min) && eat(':') &&
               number(2, 60, out.tm_sec);
    }
    /// ".123456" or ",123"; milliseconds of it.
    std::int64_t fraction() {
        if (rest.size() < 2 || (rest[0] != '.' && rest[0] != ',') || !is_digit(rest[1])) return 0;
        rest.remove_prefix(1);
        std::int64_t ms = 0;
        std::int64_t weight = 100;
        for (; !rest.empty() && is_digit(rest[0]); rest.remove_prefix(1)) {
            ms += (rest[0] - '0') * weight;
            weight /= 10;
        }
        return ms;
    }
    /// "Z", "+0100", "+01:00" or "-03"; nothing where no zone stands, then `out` is empty.
    bool zone(std::optional<int>& out) {
        out.reset();
        if (eat('Z')) {
            out = 0;
            return true;
        }
        if (rest.empty() || (rest[0] != '+' && rest[0] != '-')) return true;
        const int sign = rest[0] == '-' ? -1 : 1;
        rest.remove_prefix(1);
        int hours = 0;
        int minutes = 0;
        if (!number(2, 23, hours)) return false;
        const bool colon = eat(':');
        if ((colon || (!rest.empty() && is_digit(rest[0]))) && !number(2, 59, minutes))
            return false;
        out = sign * (hours * 60 + minutes);
        return true;
    }
};

/// Seconds since the epoch as if the parts were UTC.
std::int64_t utc_seconds(const std::tm& parts) {
    using namespace std::chrono;
    const year_month_day date{year{parts.tm_year + 1900},
                              month{static_cast<unsigned>(parts.tm_mon + 1)},
                              day{static_cast<unsigned>(parts.tm_mday)}};
    const std::int64_t days = sys_days{date}.time_since_epoch().count();
    return days * 86'400 + parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec;
}

/// What to subtract from a local time to get UTC, in seconds.
std::int64_t local_offset(std::tm parts) {
    const std::int64_t local = utc_seconds(parts);
    parts.tm_isdst = -1;
    return local - static_cast<std::int64_t>(::mktime(&parts));
}

/// `zone` in minutes; without one it is the local time of this host.
std::optional<std::int64_t> to_ms(const std::tm& parts, std::optional<int> zone, std::int64_t ms) {
    const std::int64_t offset = zone ? *zone * 60 : local_offset(parts);
    return (utc_seconds(parts) - offset) * 1000 + ms;
}

bool date_exists(const std::tm& parts) noexcept {
    constexpr std::array<int, 12> days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return parts.tm_mon >= 0 && parts.tm_mon < 12 && parts.tm_mday >= 1 &&
           parts.tm_mday <= days[static_cast<std::size_t>(parts.tm_mon)];
}

/// 23/Nov/2026:23:11:00 +0000
std::optional<std::int64_t> nginx_at(std::string_view text) {
    reader from{text};
    std::tm parts{};
    int month = 0;
    int year = 0;
    std::optional<int> zone;
    const bool fits = from.number(2, 31, parts.tm_mday) && from.eat('/') && from.month(month) &&
                      from.eat('/') && from.number(4, 9999, year) && from.eat(':') &&
                      from.clock(parts) && from.eat(' ') && from.zone(zone) && zone;
    parts.tm_mon = month - 1;
    parts.tm_year = year - 1900;
    if (!fits || !date_exists(parts)) return std::nullopt;
    return to_ms(parts, zone, 0);
}

/// 2026-11-23T23:11:00.123+01:00, 2026-11-23 23:11:00,123, 2026/11/23 23:11:00
/// `usual`: the zone, in minutes, where the text names none; without it that of this host.
std::optional<std::int64_t> iso_at(std::string_view text, std::optional<int> usual = {}) {
    reader from{text};
    std::tm parts{};
    int month = 0;
    int year = 0;
    if (!from.number(4, 9999, year) || from.rest.empty()) return std::nullopt;
    const char dash = from.rest.front();
    if (dash != '-' && dash != '/') return std::nullopt;
    const bool date = from.eat(dash) && from.number(2, 12, month) && from.eat(dash) &&
                      from.number(2, 31, parts.tm_mday);
    if (!date || (!from.eat('T') && !from.eat(' ')) || !from.clock(parts)) return std::nullopt;
    parts.tm_mon = month - 1;
    parts.tm_year = year - 1900;
    if (year < 1970 || !date_exists(parts)) return std::nullopt;
    const auto ms = from.fraction();
    // "... 23:11:00 +0100" too, but a number behind a blank is not always a zone.
    reader behind = from;
    std::optional<int> zone;
    if (behind.eat(' ') && !behind.rest.empty() &&
        (behind.rest[0] == '+' || behind.rest[0] == '-') && behind.zone(zone) && zone &&
        (behind.rest.empty() || !is_word(behind.rest[0])))
        return to_ms(parts, zone, ms);
    if (!from.zone(zone)) zone.reset();
    return to_ms(parts, zone ? zone : usual, ms);
}

/// Nov 23 23:11:00, perhaps behind a priority such as <34>
std::optional<std::int64_t> syslog_at(std::string_view text, std::int64_t modified_ms,
                                      std::optional<int> usual = {}) {
    reader from{text};
    if (from.eat('<')) {
        while (!from.rest.empty() && is_digit(from.rest[0]))
            from.rest.remove_prefix(1);
        if (!from.eat('>')) return std::nullopt;
    }
    std::tm parts{};
    int month = 0;
    if (!from.month(month) || !from.eat(' ')) return std::nullopt;
    const bool day =
        from.eat(' ') ? from.number(1, 9, parts.tm_mday) : from.number(2, 31, parts.tm_mday);
    if (!day || !from.eat(' ') || !from.clock(parts)) return std::nullopt;
    parts.tm_mon = month - 1;
    if (!date_exists(parts)) return std::nullopt;
    const std::time_t written =
        static_cast<std::time_t>(modified_ms / 1000 + usual.value_or(0) * 60);
    std::tm last{};
    if (usual)
        ::gmtime_r(&written, &last);
    else
        ::localtime_r(&written, &last);
    parts.tm_year = last.tm_year;
    const auto same_year = to_ms(parts, usual, 0);
    // A file cannot hold what comes after its last write; a day is for clocks and zones.
    if (same_year && *same_year <= modified_ms + day_ms) return same_year;
    parts.tm_year = last.tm_year - 1;
    return to_ms(parts, usual, 0);
}

/// Ten digits are seconds, thirteen milliseconds; neither may be part of something longer.
std::optional<std::int64_t> epoch_at(std::string_view text, bool milliseconds) {
    const std::size_t wanted = milliseconds ? 13 : 10;
    std::size_t digits = 0;
    std::int64_t value = 0;
    while (digits < text.size() && digits <= wanted && is_digit(text[digits]))
        value = value * 10 + (text[digits++] - '0');
    if (digits != wanted) return std::nullopt;
    if (digits < text.size() && is_word(text[digits])) return std::nullopt;
    const auto seconds = milliseconds ? value / 1000 : value;
    if (seconds < least_epoch || seconds >= most_epoch) return std::nullopt;
    if (milliseconds) return value;
    reader from{text.substr(digits)};
    const bool point = !from.rest.empty() && from.rest[0] == '.';
    return value * 1000 + (point ? from.fraction() : 0);
}

}  // namespace

std::string_view name(time_format format) noexcept {
    switch (format) {
        case time_format::nginx:
            return "nginx";
        case time_format::iso:
            return "ISO 8601";
        case time_format::syslog:
            return "syslog";
        case time_format::epoch_s:
            return "epoch seconds";
        case time_format::epoch_ms:
            return "epoch milliseconds";
        case time_format::none:
            break;
    }
    return "no time stamps";
}

std::optional<std::int64_t> line_clock::read_as(time_format format, std::string_view line) const {
    if (format == time_format::syslog) return syslog_at(line, modified_ms_);
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char before = at == 0 ? ' ' : line[at - 1];
        if (format == time_format::nginx) {
            if (before != '[') continue;
        } else if (!is_digit(line[at]) || is_word(before) || before == '.' || before == '-') {
            continue;
        }
        const auto rest = line.substr(at);
        const auto found = format == time_format::nginx ? nginx_at(rest)
                           : format == time_format::iso
                               ? iso_at(rest)
                               : epoch_at(rest, format == time_format::epoch_ms);
        if (found) return found;
    }
    return std::nullopt;
}

std::optional<std::int64_t> line_clock::read(std::string_view line) {
    line = line.substr(0, looked_at);
    if (format_ != time_format::none) return read_as(format_, line);
    for (const auto format : {time_format::nginx, time_format::iso, time_format::syslog,
                              time_format::epoch_ms, time_format::epoch_s}) {
        const auto found = read_as(format, line);
        if (!found) continue;
        format_ = format;
        return found;
    }
    return std::nullopt;
}

namespace {

/// Whether a number behind `before` is where lines say their time: at their front, or the value of
/// a JSON member that is named for it.
bool is_time_place(std::string_view before) {
    if (before.find_first_not_of(" [(\"'") == std::string_view::npos) return true;
    while (!before.empty() && (before.back() == ' ' || before.back() == '"'))
        before.remove_suffix(1);
    if (before.empty() || before.back() != ':') return false;
    before.remove_suffix(1);
    for (const std::string_view known : {"\"ts\"", "\"time\"", "\"timestamp\"", "\"@timestamp\""})
        if (before.ends_with(known)) return true;
    return false;
}

/// What a number that begins at `at` and has `digits` digits may be.
std::optional<std::int64_t> number_time(std::string_view line, std::size_t at, std::size_t digits,
                                        std::int32_t zone_minutes) {
    const auto rest = line.substr(at);
    if (digits == 4) return iso_at(rest, zone_minutes);
    if ((digits != 10 && digits != 13) || !is_time_place(line.substr(0, at))) return std::nullopt;
    return epoch_at(rest, digits == 13);
}

}  // namespace

std::optional<std::int64_t> line_moments::find(std::string_view line, std::int64_t near_ms) const {
    line = line.substr(0, looked_at);
    if (line.empty()) return std::nullopt;
    if (line[0] == '<' || (line[0] >= 'A' && line[0] <= 'S'))
        if (const auto found = syslog_at(line, near_ms, zone_minutes_)) return found;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '[')
            if (const auto found = nginx_at(line.substr(at + 1))) return found;
        if (!is_digit(line[at])) continue;
        const char before = at == 0 ? ' ' : line[at - 1];
        std::size_t end = at + 1;
        while (end < line.size() && is_digit(line[end]))
            ++end;
        if (!is_word(before) && before != '.' && before != '-')
            if (const auto found = number_time(line, at, end - at, zone_minutes_)) return found;
        at = end - 1;
    }
    return std::nullopt;
}

namespace {

/// "2h", "90s ago": milliseconds.
std::optional<std::int64_t> parse_age(std::string_view text) {
    if (text.ends_with(" ago")) text.remove_suffix(4);
    if (text.size() < 2 || text.size() > 8) return std::nullopt;
    std::int64_t unit = 0;
    switch (text.back()) {
        case 's':
            unit = 1000;
            break;
        case 'm':
            unit = 60'000;
            break;
        case 'h':
            unit = 3'600'000;
            break;
        case 'd':
            unit = day_ms;
            break;
        default:
            return std::nullopt;
    }
    std::int64_t count = 0;
    for (const char c : text.substr(0, text.size() - 1)) {
        if (!is_digit(c)) return std::nullopt;
        count = count * 10 + (c - '0');
    }
    return count * unit;
}

/// A date alone, or with hours and minutes, or all of it.
std::optional<std::int64_t> parse_date(std::string_view text) {
    reader from{text};
    std::tm parts{};
    int month = 0;
    int year = 0;
    std::optional<int> zone;
    std::int64_t ms = 0;
    if (!from.number(4, 9999, year) || !from.eat('-') || !from.number(2, 12, month) ||
        !from.eat('-') || !from.number(2, 31, parts.tm_mday))
        return std::nullopt;
    parts.tm_mon = month - 1;
    parts.tm_year = year - 1900;
    if (year < 1970 || !date_exists(parts)) return std::nullopt;
    if (!from.rest.empty()) {
        if (!from.eat('T') && !from.eat(' ')) return std::nullopt;
        if (!from.number(2, 23, parts.tm_hour) || !from.eat(':') ||
            !from.number(2, 59, parts.tm_min))
            return std::nullopt;
        if (from.eat(':')) {
            if (!from.number(2, 60, parts.tm_sec)) return std::nullopt;
            ms = from.fraction();
        }
        if (!from.rest.empty() && from.rest[0] == ' ') from.rest.remove_prefix(1);
        if (!from.zone(zone) || !from.rest.empty()) return std::nullopt;
    }
    return to_ms(parts, zone, ms);
}

}  // namespace

std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now_ms) {
    if (text == "now") return now_ms;
    if (const auto ms = epoch_at(text, true); ms && text.size() == 13) return ms;
    if (const auto ms = epoch_at(text, false); ms && text.size() == 10) return ms;
    if (const auto age = parse_age(text)) return now_ms - *age;
    return parse_date(text);
}

std::string_view format_moment(std::int64_t ms, char (&room)[40]) {
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    const std::size_t size = std::strftime(room, sizeof room, "%Y-%m-%dT%H:%M:%S", &parts);
    const int more =
        std::snprintf(room + size, sizeof room - size, ".%03dZ", static_cast<int>(ms % 1000));
    return {room, size + static_cast<std::size_t>(more)};
}

}  // namespace logagent::tail
