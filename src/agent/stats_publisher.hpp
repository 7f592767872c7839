#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "agent/status_values.hpp"
#include "logagent/kafka/live_producer.hpp"

namespace logagent::agent {

struct stats_options {
    std::string topic;  // never made by the agent: without it nothing is sent
    std::string host;
    std::string instance;
    std::chrono::seconds interval{2};
    std::chrono::seconds quiet_interval{10};  // while nothing moves
    std::chrono::seconds ask_interval{60};    // for a topic that is not there
};

/// Sends the figures of this host's files to a topic, for `logagent web`. One record is under way
/// at most; what cannot be sent is not kept.
class stats_publisher {
public:
    /// `by` and what `files` looks at outlive it. Its owner leads the reports of `by` to
    /// reported().
    stats_publisher(boost::asio::any_io_executor executor, kafka::live_producer& by,
                    file_visitor files, stats_options options);

    /// Runs until stopped.
    boost::asio::awaitable<void> run();

    /// Whether a report is of a record of this one; then it is taken.
    bool reported(const void* batch, kafka::error code);
    /// The client was replaced.
    void abandoned() noexcept { under_way_ = false; }

private:
    using clock = std::chrono::steady_clock;

    boost::asio::awaitable<bool> topic_exists();
    boost::asio::awaitable<void> publish();

    kafka::live_producer& by_;
    file_visitor files_;
    stats_options options_;
    boost::asio::steady_timer timer_;
    std::string value_;  // borrowed by the client while it is under way
    std::string key_;
    clock::time_point ask_at_{};
    clock::time_point sent_at_{};
    bool exists_ = false;
    bool under_way_ = false;
};

}  // namespace logagent::agent
