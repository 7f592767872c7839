#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "logagent/base/error.hpp"
#include "logagent/base/json.hpp"
#include "logagent/transfer/document.hpp"

namespace logagent::transfer {

/// Hours since the epoch, UTC.
using utc_hour = std::int64_t;

utc_hour hour_of(std::int64_t time_ms) noexcept;

/// Everything that decides what the files of a range are named and hold, byte by byte: two
/// processes with equal layouts make equal files of equal records.
struct hdfs_layout {
    std::string root;            // "/logs", without a slash at the end; "" is the root itself
    std::string format = "raw";  // "ndjson"
    std::string compress;        // "", "gzip", "zstd"
    document_options documents;  // how times are read, and what documents hold

    /// 16 hexadecimal digits; others for every other layout.
    std::string hash() const;
    base::json::object to_json() const;
    /// Refuses what this version cannot build.
    static base::result<hdfs_layout> from_json(const base::json::object& from);
};

/// A partition as files name it.
struct hdfs_source {
    std::string topic;
    std::string id;  // the topic's id; the topic itself where the broker told none
    std::int32_t partition = 0;
};

/// Kafka offsets, both ends included.
struct offset_range {
    std::int64_t first = 0;
    std::int64_t last = 0;
    bool operator==(const offset_range&) const = default;
};

/// "<root>/<topic>/dt=2026-11-30/hour=14".
std::string directory_of(const hdfs_layout& layout, const std::string& topic, utc_hour hour);

/// "<id>+<partition>+<first>+<last>.log" with offsets of 20 digits, and ".gz" or ".zst".
std::string file_name(const hdfs_layout& layout, const hdfs_source& of, offset_range range);

/// Where the route builds files of the partition: "<root>/_tmp/<route>/<id>+<partition>". Readers
/// such as Hive skip names that begin with "_".
std::string temporary_directory(const hdfs_layout& layout, const std::string& route,
                                const hdfs_source& of);

/// The empty file in an hour's directory that says that the partition is through with the hour.
std::string marker_name(const hdfs_source& of);

/// The path of a URL, or a value in its query: everything but letters, digits and "-._~/" as %XX.
std::string percent_encoded(std::string_view path);

}  // namespace logagent::transfer
