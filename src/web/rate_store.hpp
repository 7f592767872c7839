#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::web {

/// What an agent has said about a file, or about several that it only counted.
struct file_rate {
    std::string path;  // empty: several
    std::string service;
    std::string topic;
    std::string state;
    std::string last_error;
    std::uint64_t files = 1;
    std::uint64_t size = 0;
    std::uint64_t read_offset = 0;
    std::uint64_t acked_offset = 0;
    std::uint64_t lag_bytes = 0;
    std::uint64_t send_rate = 0;  // lines/s; 0 = no limit
    double lines_per_s = 0;       // sent
    double bytes_per_s = 0;
    double throttled_seconds = 0;  // since the agent began to read it
    // Of two records:
    double offered_bytes_per_s = 0;  // written to the file
    double throttled = 0;            // part of the time, 0 to 1
};

/// What a host has said last.
struct host_rates {
    std::int64_t at_ms = 0;  // wall clock of the agent
    std::string instance;
    std::vector<file_rate> files;
};

/// Sums of one moment.
struct rate_sums {
    double offered_lines = 0;  // per second; estimated from bytes where lines wait unread
    double sent_lines = 0;
    double offered_bytes = 0;
    double sent_bytes = 0;
    double limit_lines = 0;  // of the files that have one
    double lag_bytes = 0;
    double throttled = 0;  // the part of time, weighted by files that have a limit
    std::uint64_t files = 0;
    std::uint64_t hosts = 0;
    std::uint64_t limited = 0;  // files with a limit

    void add(const file_rate& file);
};

/// Bytes per line as they were sent; 200 where nothing was.
double line_bytes(const file_rate& file);

/// When what lags is sent, in seconds, if it goes on as now; with `send_rate` as if every file had
/// that limit (lines/s; 0 = none). 0 = nothing lags, nothing = never. The slowest file counts,
/// since each has its limit for itself.
std::optional<double> drain_seconds(const std::vector<const file_rate*>& files,
                                    std::optional<std::uint64_t> send_rate);

/// The last hour of what agents publish about themselves: by service, and by host, in steps of 10
/// s. Bounded; pure.
class rate_store {
public:
    static constexpr std::int64_t step_ms = 10'000;
    static constexpr std::size_t steps = 360;
    static constexpr std::int64_t stale_ms = 30'000;  // a host that says nothing counts nothing
    static constexpr std::size_t most_hosts = 12'000;
    static constexpr std::size_t most_services = 2'000;
    static constexpr std::size_t most_record_bytes = 128 << 10;

    /// One point of a series; rates are per second.
    struct point {
        float offered = 0;  // lines
        float sent = 0;     // lines
        float limit = 0;    // lines; 0 = none
        float throttled = 0;
        float lag_bytes = 0;
        bool known = false;
    };
    using series = std::vector<point>;  // a ring; index = step number modulo `steps`

    /// A record of the topic; false = it is none, or there is no room for another host.
    bool put(std::string_view record, std::int64_t now_ms);

    /// Closes all steps that have passed. Call it every few seconds.
    void tick(std::int64_t now_ms);

    const host_rates* host(std::string_view name) const;
    /// Calls `each` with every fresh file of the service, host by host.
    template <class Each>
    void files_of(std::string_view service, std::int64_t now_ms, Each each) const {
        for (const auto& [host, rates] : hosts_)
            if (fresh(rates, now_ms))
                for (const auto& file : rates.last.files)
                    if (file.service == service) each(host, file);
    }
    bool is_fresh(std::string_view host, std::int64_t now_ms) const;

    /// The last hour, oldest first, with the time of each point in seconds. Empty = nothing known.
    std::vector<std::pair<std::int64_t, point>> of_service(std::string_view service) const;
    std::vector<std::pair<std::int64_t, point>> of_host(std::string_view host) const;

    std::size_t hosts() const noexcept { return hosts_.size(); }
    std::uint64_t refused() const noexcept { return refused_; }

private:
    struct known_host {
        host_rates last;
        std::int64_t seen_ms = 0;  // here
        series past;
    };

    static bool fresh(const known_host& host, std::int64_t now_ms) {
        return now_ms - host.seen_ms <= stale_ms;
    }
    void close_step(std::int64_t number, std::int64_t now_ms);
    static void put_point(series& into, std::int64_t number, const rate_sums& sums);
    std::vector<std::pair<std::int64_t, point>> unrolled(const series& past) const;

    std::map<std::string, known_host, std::less<>> hosts_;
    std::map<std::string, series, std::less<>> services_;
    std::int64_t step_ = 0;  // the last closed one
    std::uint64_t refused_ = 0;
};

}  // namespace logagent::web
