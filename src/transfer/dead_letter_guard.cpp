#include "dead_letter_guard.hpp"

namespace logagent::transfer {

void dead_letter_guard::count(bool refused) noexcept {
    if (slots_[at_].all >= window / slots) {
        at_ = (at_ + 1) % slots;
        slots_[at_] = {};
    }
    ++slots_[at_].all;
    slots_[at_].refused += refused ? 1 : 0;
}

bool dead_letter_guard::may_bury() noexcept {
    std::uint32_t refused = 1;  // this one
    for (const auto& one : slots_)
        refused += one.refused;
    // Of the full window, also while fewer have been seen: the first few records of a route may all
    // be bad ones.
    if (percent_ < 100 && refused > window * percent_ / 100) return false;
    count(true);
    return true;
}

void dead_letter_guard::reset() noexcept {
    slots_ = {};
    at_ = 0;
}

}  // namespace logagent::transfer
