#include "transfer/storm_servers.hpp"

#include <algorithm>

namespace logagent::transfer {

using namespace std::chrono_literals;

std::optional<std::size_t> storm_servers::take(clock::time_point now) {
    for (std::size_t tried = 0; tried < servers_.size(); ++tried) {
        const std::size_t chosen = next_;
        next_ = (next_ + 1) % servers_.size();
        server& one = servers_[chosen];
        if (one.in_flight >= each || one.out_until > now) continue;
        // One that was out proves itself with a single request.
        if (one.failures > 0 && one.in_flight > 0) continue;
        ++one.in_flight;
        return chosen;
    }
    return std::nullopt;
}

void storm_servers::worked(std::size_t which) {
    servers_[which].failures = 0;
    ended(which);
}

void storm_servers::failed(std::size_t which, clock::time_point now) {
    auto& one = servers_[which];
    const auto doubled = std::min<std::uint32_t>(one.failures, 6);
    // Requests that were sent together fail together: that is one failure.
    if (one.out_until <= now) {
        one.out_until = now + std::min<clock::duration>(500ms * (1u << doubled), 30s);
        ++one.failures;
    }
    ended(which);
}

void storm_servers::ended(std::size_t which) {
    --servers_[which].in_flight;
}

storm_servers::clock::time_point storm_servers::next_free(clock::time_point now) const {
    auto soonest = clock::time_point::max();
    for (const auto& one : servers_)
        if (one.out_until > now) soonest = std::min(soonest, one.out_until);
    return soonest;
}

}  // namespace logagent::transfer
