#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace logagent::base {

/// Decides which records of the program's own log are written: so many in a window for each class.
/// The window of a class begins with its first record after the last window. Pure; the caller gives
/// the time. Class names are borrowed for ever, so they are literals.
class log_limiter {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    struct suppressed {
        std::string_view name;
        std::uint64_t count = 0;
    };

    explicit log_limiter(std::uint32_t most = 10, duration window = std::chrono::minutes{1})
        : most_{most}, window_{window} {}

    struct decision {
        bool write = false;
        std::uint64_t suppressed_before = 0;  // of the window that is over; to be written first
    };

    decision ask(std::string_view name, time_point now);

    /// Counts of all windows that are over at `now`; each is told once.
    std::vector<suppressed> sweep(time_point now);

private:
    struct entry {
        time_point begin;
        std::uint32_t written = 0;
        std::uint64_t suppressed = 0;
    };

    std::uint32_t most_;
    duration window_;
    std::map<std::string_view, entry> entries_;
};

}  // namespace logagent::base
