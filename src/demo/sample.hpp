#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace logagent::demo {

/// What the demo's services write.
enum class sample_kind : std::uint8_t {
    access,    // a web server's access log
    json,      // one JSON object a line
    java,      // a Java program's log; some events are stack traces of several lines
    rows,      // a batch job that writes faster than its service may send
    messages,  // the system's log, the same file for all hosts
};

struct sample {
    std::string text;  // whole lines, with their ends
    std::uint64_t lines = 0;
    std::uint64_t events = 0;  // as `lines`, but a stack trace is one
};

/// Makes up the log of one service. The same seed gives the same log.
class sample_source {
public:
    sample_source(sample_kind kind, std::uint32_t seed) : kind_{kind}, random_{seed} {}

    /// One event, stamped with `wall_ms`.
    sample next(std::int64_t wall_ms);

private:
    std::uint32_t below(std::uint32_t bound);
    std::string access_line(std::int64_t wall_ms);
    std::string json_line(std::int64_t wall_ms);
    std::string java_event(std::int64_t wall_ms);
    std::string row_line(std::int64_t wall_ms);
    std::string message_line(std::int64_t wall_ms);

    sample_kind kind_;
    std::minstd_rand random_;
    std::uint64_t number_ = 0;
};

}  // namespace logagent::demo
