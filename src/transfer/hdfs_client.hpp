#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "logagent/dns/resolver.hpp"
#include "logagent/http/client.hpp"
#include "logagent/http/upload.hpp"
#include "logagent/os/secret_file.hpp"
#include "logagent/transfer/settings.hpp"
#include "transfer/hdfs_answer.hpp"
#include "transfer/hdfs_body.hpp"

namespace logagent::transfer {

/// WebHDFS, or HttpFS, which speaks the same. Stays with the NameNode that answers and goes to the
/// next one when it is on standby or does not answer; each call asks every NameNode once at most.
/// Must outlive its calls.
class hdfs_client {
public:
    /// Reads the token; a file that cannot be read throws base::problem_error.
    hdfs_client(boost::asio::any_io_executor executor, dns::resolver& names, sink_settings where,
                std::chrono::milliseconds timeout);

    boost::asio::awaitable<hdfs_answer> file_status(std::string path);
    boost::asio::awaitable<hdfs_answer> list(std::string path);
    boost::asio::awaitable<hdfs_answer> make_directories(std::string path);
    boost::asio::awaitable<hdfs_answer> rename(std::string from, std::string to);
    boost::asio::awaitable<hdfs_answer> remove(std::string path);

    /// Makes a file, in two steps: the NameNode says where, the DataNode gets the bytes. `length`
    /// tells what was sent. `content` must stay until it returns.
    boost::asio::awaitable<hdfs_answer> create(std::string path, const hdfs_spool& content,
                                               std::string compress,
                                               std::shared_ptr<hdfs_body_length> length);
    /// Makes an empty file in the place of whatever file is there.
    boost::asio::awaitable<hdfs_answer> touch(std::string path);

    std::uint64_t requests() const noexcept { return requests_; }
    std::uint64_t in_flight() const noexcept { return in_flight_; }

private:
    using clock = std::chrono::steady_clock;

    /// Asks one NameNode after the other. `query` begins with the operation's name.
    boost::asio::awaitable<hdfs_answer> ask(std::string method, std::string path,
                                            std::string query);
    boost::asio::awaitable<hdfs_answer> ask_one(http::endpoint to, http::request what);
    /// The place that the NameNode gave for a file.
    boost::asio::awaitable<hdfs_answer> put(hdfs_answer place, http::body_slices body,
                                            std::chrono::milliseconds patience);
    std::string identity();
    /// Tokens end; whoever renews it writes the file anew.
    void renew_token();

    http::client http_;
    http::uploader uploads_;
    sink_settings where_;
    std::chrono::milliseconds timeout_;
    os::secret token_;
    std::size_t current_ = 0;  // the NameNode that answered last
    std::uint64_t requests_ = 0;
    std::uint64_t in_flight_ = 0;
};

}  // namespace logagent::transfer
