#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logagent/tail/collector.hpp"

namespace logagent::agent {

/// The figures of one moment for whoever watches many hosts: a record of `_logagent.stats`. Built
/// up file by file; pure.
///
/// Files that do something, lag or are not well are named, the most lines first; all others are
/// only counted by service and topic. A host with 20,000 files makes no larger record than one with
/// 200.
class stats_record {
public:
    static constexpr std::size_t most_files = 200;
    static constexpr std::size_t most_bytes = 64 << 10;  // of the value

    void add(const tail::file_view& file);

    /// Nothing moves and nothing waits: the record is worth little.
    bool quiet() const noexcept { return quiet_; }

    /// `{"v":1,"host","instance","at","interval_ms","files":[],"rest":[]}`, one line.
    std::string value(std::string_view host, std::string_view instance, std::int64_t wall_ms,
                      std::int64_t interval_ms);

private:
    struct figures {
        std::string path, service, topic, state;
        std::uint64_t size = 0, read_offset = 0, acked_offset = 0, lag_bytes = 0, send_rate = 0;
        double lines_per_s = 0, bytes_per_s = 0, throttled_seconds = 0;
        std::string error;

        bool before(const figures& other) const;
    };
    struct sums {
        std::uint64_t files = 0, lag_bytes = 0;
        double lines_per_s = 0, bytes_per_s = 0, throttled_seconds = 0;
    };

    void count(const figures& file);
    static std::string json_of(const figures& file);

    std::vector<figures> files_;  // a heap: the least interesting one in front
    std::map<std::pair<std::string, std::string>, sums> rest_;  // by service and topic
    bool quiet_ = true;
};

}  // namespace logagent::agent
