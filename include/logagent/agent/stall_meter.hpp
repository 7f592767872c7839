#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace logagent::agent {

/// How long the loop was kept from its other work.
///
/// Two sources, so that an idle host is not woken for the sake of measuring: the loop's own turns,
/// between begin() and end(), and how late a timer came that is there anyway (once a second or so),
/// which also sees the stalls of handlers that nobody measures. Pure: the time is a parameter.
class stall_meter {
public:
    using clock = std::chrono::steady_clock;

    /// A piece of work begins, and ends. A begin() without an end() is replaced by the next one;
    /// an end() without a begin() is ignored.
    void begin(clock::time_point now) noexcept;
    void end(clock::time_point now) noexcept;

    /// A timer that was to fire at `due` fired at `now`.
    void fired(clock::time_point due, clock::time_point now) noexcept;

    /// The longest stall that ended within the last 60 s (to the second). Work that is going on
    /// between begin() and end() counts with what it has taken so far.
    clock::duration longest(clock::time_point now) const noexcept;

    /// The longest stall ever.
    clock::duration longest_ever() const noexcept { return ever_; }

private:
    void note(clock::duration stall, clock::time_point now) noexcept;

    /// The worst of one second; a slot is used again 64 s later.
    struct slot {
        std::int64_t second = -1;
        clock::duration worst{};
    };

    std::array<slot, 64> slots_{};
    clock::duration ever_{};
    clock::time_point begun_{};
    bool working_ = false;
};

}  // namespace logagent::agent
