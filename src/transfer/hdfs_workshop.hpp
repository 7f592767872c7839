#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "logagent/transfer/sink.hpp"
#include "transfer/hdfs_client.hpp"
#include "transfer/hdfs_layout.hpp"
#include "transfer/hdfs_roll.hpp"

namespace logagent::transfer {

/// What the lanes of an HDFS sink share; outlives them.
class hdfs_workshop {
public:
    hdfs_workshop(sink_parts its_parts, hdfs_layout its_layout, const sink_settings& where,
                  const sink_options& how);

    sink_parts parts;
    hdfs_layout layout;
    hdfs_roll roll;
    hdfs_client client;
    std::function<void()> changed;  // room on the disk, an upload that ended, a lane that is done

    /// Bytes on the disk beyond which lanes take nothing more, and half of which hurries them. So
    /// many partitions cannot fill the disk.
    std::uint64_t spool_limit;
    std::uint64_t spooled = 0;
    std::size_t open_files = 0;

    /// How many bytes a file gathers before they are written: less where there are many files.
    std::size_t gather() const noexcept;

    /// One upload takes one of them.
    std::uint32_t free_uploads;

    // Figures.
    std::uint64_t bytes = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t files = 0;
    std::uint64_t markers = 0;
    std::map<std::string, std::uint64_t> retried;

    /// Says that nothing goes for this lane and why, or that it goes again (empty).
    void trouble(lane in, std::string text);
    /// Of all lanes, the one that has waited longest; empty = none.
    const std::string& stalled() const noexcept { return told_; }

private:
    std::map<lane, std::string> troubles_;
    std::string told_;
};

/// A place among the uploads that are under way. Given back when it is destroyed.
class hdfs_upload_place {
public:
    explicit hdfs_upload_place(hdfs_workshop& of) : of_{of} { --of_.free_uploads; }
    ~hdfs_upload_place() {
        ++of_.free_uploads;
        of_.changed();
    }
    hdfs_upload_place(const hdfs_upload_place&) = delete;
    hdfs_upload_place& operator=(const hdfs_upload_place&) = delete;

private:
    hdfs_workshop& of_;
};

}  // namespace logagent::transfer
