#include "agent/json_writer.hpp"

#include <charconv>
#include <cstdio>
#include <ctime>

namespace logagent::agent {

json_writer& json_writer::value(double number) {
    separate();
    if (!std::isfinite(number)) number = 0;
    // Beyond this a double has no thousandths, and the product could overflow.
    if (std::fabs(number) < 1e12) number = std::round(number * 1000) / 1000;
    char room[32];
    out_.append(room, std::to_chars(room, room + sizeof room, number).ptr);
    return *this;
}

std::string utc_time(std::int64_t wall_ms) {
    auto seconds = static_cast<std::time_t>(wall_ms / 1000);
    auto millis = static_cast<int>(wall_ms % 1000);
    if (millis < 0) {
        millis += 1000;
        --seconds;
    }
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + size, sizeof text - size, ".%03dZ", millis);
    return text;
}

}  // namespace logagent::agent
