#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "agent/process_figures.hpp"
#include "agent/status_values.hpp"
#include "logagent/base/metrics.hpp"

namespace logagent::agent {

/// All metrics but those of files and topics.
std::string write_metrics_head(const status_values& values, const process_figures& process);

/// /metrics in slices: next() until it returns an empty text.
///
/// Files are looked at a thousand at a time; the slices in between hold a comment only. Up to 1000
/// files have gauges of their own, beyond that only the sums by topic are told, so that a scrape
/// stays below a megabyte and a time series database alive.
class metrics_slices {
public:
    metrics_slices(std::string head, std::size_t file_count, const file_visitor& visit);

    std::string next();

private:
    struct file_figures {
        std::string path, topic;
        std::uint64_t size, read_offset, acked_offset, lag_bytes, hole_bytes, send_rate;
        double lines_per_s, bytes_per_s, throttled_seconds;
        bool failed;
    };
    struct topic_figures {
        std::uint64_t files = 0, lag_bytes = 0;
        double lines_per_s = 0, bytes_per_s = 0, throttled_seconds = 0;
    };
    struct family;

    static const family families[];
    static const std::size_t family_count;

    std::string look_at_some();
    void look_at(const tail::file_view& file);
    std::string distinct_path(const tail::file_view& file);
    std::string write_sums();
    std::string write_some_files();

    enum class step { head, look, sums, files };

    std::string head_;
    file_walk walk_;
    bool single_;  // files have gauges of their own
    step step_ = step::head;
    state_counts counts_{};
    std::uint64_t seen_ = 0;
    std::map<std::string, topic_figures, std::less<>> topics_;
    std::vector<file_figures> files_;
    std::unordered_set<std::string> paths_;  // with topic, as labels show them
    base::metrics_page page_;                // of the files: a family may go on in the next slice
    std::size_t family_ = 0;
    std::size_t at_ = 0;  // file within the family
};

}  // namespace logagent::agent
