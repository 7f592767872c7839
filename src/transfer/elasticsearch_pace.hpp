#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace logagent::transfer {

/// How many requests may be on their way, and how large they may be: a little more after each round
/// without a complaint, half after a refusal for overload. Pure.
class request_pace {
public:
    using time_point = std::chrono::steady_clock::time_point;

    request_pace(std::uint32_t most_requests, std::uint64_t most_bytes, std::uint32_t most_records);

    std::uint32_t requests() const noexcept { return requests_; }
    /// Of a body, before compression.
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint32_t records() const noexcept { return records_; }

    /// A request was taken as it was.
    void taken();
    /// A request that was sent at `sent` with `bytes` and `records` was refused for overload. Those
    /// that were on their way together count once.
    void overloaded(time_point sent, time_point now, std::uint64_t bytes, std::uint32_t records);
    /// The server takes no body of this size at all, now or later.
    void too_large(std::uint64_t bytes);

private:
    std::uint32_t most_requests_;
    std::uint64_t most_bytes_;
    std::uint32_t most_records_;
    std::uint32_t requests_;
    std::uint64_t bytes_;
    std::uint32_t records_;
    std::uint32_t taken_ = 0;  // since the last change
    time_point reduced_ = time_point::min();
};

}  // namespace logagent::transfer
