#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace logagent::web {

/// "2026-03-04T05:06:07.089Z".
std::string utc_time(std::int64_t wall_ms);

/// A ULID: 10 characters of time, then 16 of the 80 random bits, Crockford's base 32. Sorts by
/// time. `random` has 10 bytes. Pure.
std::string ulid(std::int64_t wall_ms, std::string_view random);

}  // namespace logagent::web
