#include "stamp.hpp"

#include <cassert>
#include <cstdio>
#include <ctime>

namespace logagent::web {

namespace {

constexpr char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The lowest 5 * length bits of `value`.
void append_base32(std::string& out, std::uint64_t value, int length) {
    for (int shift = 5 * (length - 1); shift >= 0; shift -= 5)
        out += digits[(value >> shift) & 31];
}

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char byte : bytes)
        value = value << 8 | static_cast<unsigned char>(byte);
    return value;
}

}  // namespace

std::string utc_time(std::int64_t wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                  static_cast<int>(wall_ms % 1000));
    return text;
}

std::string ulid(std::int64_t wall_ms, std::string_view random) {
    assert(random.size() == 10);
    std::string out;
    append_base32(out, static_cast<std::uint64_t>(wall_ms), 10);
    append_base32(out, big_endian(random.substr(0, 5)), 8);
    append_base32(out, big_endian(random.substr(5, 5)), 8);
    return out;
}

}  // namespace logagent::web
