#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"
#include "transfer/hdfs_answer.hpp"
#include "transfer/hdfs_workshop.hpp"

namespace logagent::transfer {

/// How a lane waits: for something to change, or until a failure may be gone. Every wait ends at
/// once when the lane does.
class hdfs_patience {
public:
    using clock = std::chrono::steady_clock;

    hdfs_patience(hdfs_workshop& shop, lane of);

    bool ended() const noexcept { return ended_; }
    void end();
    /// Ends wait_until(); waits after failures go on.
    void wake() { changed_.notify(); }

    /// Until wake(), end() or the deadline.
    boost::asio::awaitable<void> wait_until(clock::time_point deadline);
    boost::asio::awaitable<void> wait(clock::duration time);

    /// Something did not work: counts it, tells the route when it lasts or needs a person, and
    /// waits, longer each time. False = the lane has ended.
    boost::asio::awaitable<bool> failed(hdfs_answer answer, std::string doing);

    /// Something worked: the next failure is the first again.
    void worked();

private:
    hdfs_workshop& shop_;
    lane of_;
    async::event changed_;
    async::backoff waits_;
    unsigned failures_ = 0;
    bool ended_ = false;
};

}  // namespace logagent::transfer
