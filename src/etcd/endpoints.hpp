#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "logagent/http/client.hpp"

namespace logagent::etcd {

/// Which endpoint to ask: the same one as long as it works, else the next that has not failed
/// lately. Pure.
class endpoint_list {
public:
    using clock = std::chrono::steady_clock;

    /// Shuffled by `seed`, so that many hosts with one list do not all begin with the same one.
    endpoint_list(std::vector<http::endpoint> all, std::uint64_t seed, clock::duration bad_for);

    /// If all have failed lately, the one whose failure is the oldest.
    const http::endpoint& pick(clock::time_point now);

    void failed(std::string_view authority, clock::time_point now);
    void worked(std::string_view authority);

    std::size_t size() const { return all_.size(); }

private:
    struct known {
        http::endpoint where;
        clock::time_point bad_until{};
    };

    std::vector<known> all_;
    std::size_t current_ = 0;
    clock::duration bad_for_;
};

}  // namespace logagent::etcd
