#include "logagent/tail/line_time.hpp"

#include "fuzz/fuzz.hpp"

namespace tail = logagent::tail;

/// Time stamps in lines of anybody, and moments that a person writes.
void fuzz_one(std::string_view bytes) {
    constexpr std::int64_t now_ms = 1'795'475'460'000;
    tail::line_clock clock{now_ms};
    for (auto rest = bytes; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() == rest.size() ? rest.size() : line.size() + 1);
        if (clock.read(line)) require(clock.format() != tail::time_format::none);
    }
    if (const auto moment = tail::parse_moment(bytes, now_ms)) {
        char room[40];
        require(!tail::format_moment(*moment, room).empty());
    }
}
