#pragma once

#include <array>
#include <cstdint>

namespace logagent::transfer {

/// Notices that a sink refuses more than single records: then something is wrong with the sink or
/// the route, and a topic must not drain into its dead letters. Pure.
class dead_letter_guard {
public:
    static constexpr std::uint32_t window = 1000;  // outcomes that count, to a tenth

    /// Trips above `percent` of the window; 100 = never.
    explicit dead_letter_guard(std::uint32_t percent) noexcept : percent_{percent} {}

    void accepted() noexcept { count(false); }
    /// False = too many: this one should be kept and offered to the sink again.
    bool may_bury() noexcept;

    /// Begins with a clean slate, after the sink has taken what it refused.
    void reset() noexcept;

private:
    static constexpr std::uint32_t slots = 10;
    struct slot {
        std::uint32_t all = 0;
        std::uint32_t refused = 0;
    };

    void count(bool refused) noexcept;

    std::uint32_t percent_;
    std::array<slot, slots> slots_{};
    std::uint32_t at_ = 0;
};

}  // namespace logagent::transfer
