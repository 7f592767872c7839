#pragma once

#include <cstdint>
#include <map>

#include "transfer/hdfs_layout.hpp"
#include "transfer/hdfs_roll.hpp"
#include "transfer/hdfs_spool.hpp"

namespace logagent::transfer {

class hdfs_workshop;

/// The records of a range, by hour, on the local disk.
class hdfs_range {
public:
    struct file {
        hdfs_spool spool;
        std::uint64_t records = 0;
    };

    hdfs_range(hdfs_workshop& shop, hdfs_layout its_layout, hdfs_source its_source,
               bool is_repeated);
    ~hdfs_range();
    hdfs_range(const hdfs_range&) = delete;
    hdfs_range& operator=(const hdfs_range&) = delete;

    /// Makes the file of an hour if there is none. Returns 0 or an errno.
    int prepare(utc_hour hour);
    /// Adds a record to a prepared file. After an errno it is kept in memory, and flush() has to
    /// succeed before more is added.
    int add(utc_hour hour, std::string_view line, std::int64_t time_ms);
    /// Brings everything to the files. Returns 0 or an errno.
    int flush();
    /// The file is where it belongs.
    void drop(utc_hour hour);

    const hdfs_gathered& have() const noexcept { return have_; }

    const hdfs_layout layout;
    const hdfs_source source;
    const bool repeated;   // begun before, by us or another process
    offset_range offsets;  // once it is closed
    std::map<utc_hour, file> files;
    std::int64_t last_time_ms = -1;  // Kafka's time of the last record; -1 = none

private:
    hdfs_workshop& shop_;
    hdfs_gathered have_;
};

}  // namespace logagent::transfer
