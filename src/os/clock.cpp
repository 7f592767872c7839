#include "logagent/os/clock.hpp"

#include <chrono>
#include <ctime>

namespace logagent::os {

std::int64_t wall_ms() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

namespace {

::timespec read(::clockid_t clock) {
    ::timespec time{};
    ::clock_gettime(clock, &time);
    return time;
}

}  // namespace

std::int64_t coarse_wall_ms() {
    const auto time = read(CLOCK_REALTIME_COARSE);
    return time.tv_sec * std::int64_t{1000} + time.tv_nsec / 1'000'000;
}

std::chrono::steady_clock::time_point coarse_now() {
    const auto time = read(CLOCK_MONOTONIC_COARSE);
    return std::chrono::steady_clock::time_point{std::chrono::seconds{time.tv_sec} +
                                                 std::chrono::nanoseconds{time.tv_nsec}};
}

}  // namespace logagent::os
