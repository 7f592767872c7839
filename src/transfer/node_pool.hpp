#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "logagent/http/client.hpp"

namespace logagent::transfer {

/// Which of several equal servers is asked next: the one with the fewest requests, so that one that
/// hangs gets no more than its share. One that failed is left out for a while, longer each time;
/// then one request tries it. Pure.
class node_pool {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit node_pool(const std::vector<http::endpoint>& nodes);

    /// Takes a node for a request; nothing while all are left out.
    std::optional<std::size_t> take(time_point now);
    const http::endpoint& at(std::size_t number) const { return nodes_[number].where; }

    /// The request has its answer.
    void answered(std::size_t number);
    /// It has none, or one that says that the node does not work.
    void failed(std::size_t number, time_point now);

    /// When take() may give something again; now or before it if it does already.
    time_point next(time_point now) const;

private:
    struct node {
        http::endpoint where;
        std::size_t requests = 0;              // on their way
        unsigned failures = 0;                 // since the last answer
        time_point until = time_point::min();  // left out so long
    };

    bool usable(const node& one, time_point now) const;

    std::vector<node> nodes_;
    std::size_t turn_ = 0;
};

}  // namespace logagent::transfer
