#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "logagent/kafka/topic_description.hpp"

namespace logagent::kafka {

/// Asks the cluster about topics. A live_producer is one; tests bring a fake.
class admin {
public:
    virtual ~admin() = default;

    /// One description for each name, in the order of `topics` (a name given twice is answered
    /// twice). Never creates a topic. What is not answered at `deadline` has the code timed_out;
    /// limits that the cluster does not tell (ACL, an old or a mock broker) are absent.
    virtual boost::asio::awaitable<std::vector<topic_description>> describe(
        std::vector<std::string> topics, std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace logagent::kafka
