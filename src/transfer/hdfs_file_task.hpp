#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "transfer/hdfs_patience.hpp"
#include "transfer/hdfs_publication.hpp"
#include "transfer/hdfs_range.hpp"
#include "transfer/hdfs_workshop.hpp"

namespace logagent::transfer {

/// Brings one file of a range to HDFS: asks the servers what hdfs_publication wants to know.
class hdfs_file_task {
public:
    struct place {
        std::string directory;
        std::string name;
        std::string temporary;  // the directory of files that are being made
    };

    /// `range` has the hour, flushed.
    hdfs_file_task(hdfs_workshop& shop, hdfs_patience& patience, const hdfs_range& range,
                   utc_hour hour, place where);

    /// Tries until the file has its name. False = the lane has ended.
    boost::asio::awaitable<bool> run();

private:
    using step = hdfs_publication::step;

    boost::asio::awaitable<bool> one_step();
    boost::asio::awaitable<bool> look();
    boost::asio::awaitable<bool> create();
    boost::asio::awaitable<bool> check();
    boost::asio::awaitable<bool> make_directory();
    boost::asio::awaitable<bool> rename();
    boost::asio::awaitable<void> clean_up();
    std::string path() const { return where_.directory + "/" + where_.name; }

    hdfs_workshop& shop_;
    hdfs_patience& patience_;
    const hdfs_range& range_;
    const hdfs_range::file& file_;
    place where_;
    hdfs_publication way_;
    std::shared_ptr<hdfs_body_length> length_ = std::make_shared<hdfs_body_length>();
    std::string temporary_;               // the file that is being made, or was
    std::vector<std::string> left_over_;  // those that came to nothing
};

}  // namespace logagent::transfer
