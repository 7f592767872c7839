#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "transfer/hdfs_patience.hpp"
#include "transfer/hdfs_position.hpp"
#include "transfer/hdfs_range.hpp"
#include "transfer/hdfs_workshop.hpp"

namespace logagent::transfer {

/// Publishes the ranges of one lane, one after the other:
///
/// 1. commits the offset where the range begins, with the intent: whoever reads the partition next
///    makes exactly these files. Who may not commit any longer learns it here and publishes
///    nothing;
/// 2. brings every file to its name;
/// 3. marks the hours that the partition is through with;
/// 4. commits the offset behind the range.
class hdfs_publisher {
public:
    hdfs_publisher(hdfs_workshop& shop, hdfs_patience& patience, const lane_start& start,
                   hdfs_source source, hdfs_position position);

    /// False = the lane has ended.
    boost::asio::awaitable<bool> publish(hdfs_range& range);

    /// Removes what earlier owners of the partition left among the files that are being made.
    boost::asio::awaitable<void> sweep(hdfs_layout layout);

    /// The partition is through with all hours before this one; nothing = that is not known yet.
    std::optional<utc_hour> complete_to() const noexcept { return position_.hour; }

private:
    boost::asio::awaitable<bool> commit(std::int64_t next);
    boost::asio::awaitable<bool> flush(hdfs_range& range);
    boost::asio::awaitable<bool> publish_files(hdfs_range& range);
    boost::asio::awaitable<bool> mark_hours(const hdfs_layout& layout, std::int64_t time_ms);
    boost::asio::awaitable<bool> mark(std::string path);

    hdfs_workshop& shop_;
    hdfs_patience& patience_;
    lane in_;
    hdfs_source source_;
    hdfs_position position_;
};

}  // namespace logagent::transfer
