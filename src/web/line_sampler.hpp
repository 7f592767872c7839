#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace logagent::web {

/// Lines that wait for one client: all of them as long as they are few, else a fair sample of what
/// came since the client took the last ones, in their order. Bounded; pure.
class line_sampler {
public:
    using clock = std::chrono::steady_clock;

    struct limits {
        std::size_t lines_per_s = 1000;    // also the largest burst
        std::size_t most_bytes = 1 << 20;  // that wait
    };

    line_sampler(limits chosen, std::uint64_t seed, clock::time_point now);

    /// A line has come: the place that it may take, which goes to put(); nothing = it is passed
    /// over.
    std::optional<std::size_t> next();
    void put(std::size_t place, std::string line);

    /// What waits, oldest first, and nothing waits any more.
    std::vector<std::string> take(clock::time_point now);

    bool empty() const noexcept { return kept_.empty(); }
    std::uint64_t offered() const noexcept { return offered_; }  // since the start
    std::uint64_t shown() const noexcept { return shown_; }      // taken since the start

private:
    struct line {
        std::uint64_t number = 0;
        std::string text;
    };

    limits limits_;
    std::minstd_rand random_;
    std::vector<line> kept_;
    std::size_t bytes_ = 0;
    std::uint64_t since_ = 0;  // lines since the last take()
    double tokens_;
    clock::time_point filled_at_;
    std::size_t room_;
    std::uint64_t offered_ = 0;
    std::uint64_t shown_ = 0;
};

}  // namespace logagent::web
