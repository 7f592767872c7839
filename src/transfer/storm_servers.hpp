#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace logagent::transfer {

/// Which DRPC server gets the next request: one after the other, at most `each` at a time since a
/// pending call holds a thread of the server, and none for a while that did not answer.
class storm_servers {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::uint32_t each = 16;

    explicit storm_servers(std::size_t count) : servers_(count) {}

    /// The server, which is then charged with a request; nullopt = none is free.
    std::optional<std::size_t> take(clock::time_point now);

    void worked(std::size_t which);
    /// Leaves the server out: 0.5 s, then twice as long each time, up to 30 s.
    void failed(std::size_t which, clock::time_point now);
    /// Ends a request that says nothing about the server.
    void ended(std::size_t which);

    /// When take() may have one; max = when a request ends.
    clock::time_point next_free(clock::time_point now) const;

private:
    struct server {
        std::uint32_t in_flight = 0;
        std::uint32_t failures = 0;
        clock::time_point out_until{};
    };
    std::vector<server> servers_;
    std::size_t next_ = 0;
};

}  // namespace logagent::transfer
