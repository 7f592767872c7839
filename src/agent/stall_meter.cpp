#include "logagent/agent/stall_meter.hpp"

#include <algorithm>

namespace logagent::agent {

namespace {

constexpr std::int64_t window_seconds = 60;

std::int64_t second_of(stall_meter::clock::time_point when) noexcept {
    return std::chrono::floor<std::chrono::seconds>(when.time_since_epoch()).count();
}

}  // namespace

void stall_meter::begin(clock::time_point now) noexcept {
    begun_ = now;
    working_ = true;
}

void stall_meter::end(clock::time_point now) noexcept {
    if (!working_) return;
    working_ = false;
    note(now - begun_, now);
}

void stall_meter::fired(clock::time_point due, clock::time_point now) noexcept {
    note(now - due, now);
}

void stall_meter::note(clock::duration stall, clock::time_point now) noexcept {
    if (stall <= clock::duration::zero()) return;
    ever_ = std::max(ever_, stall);
    const auto second = second_of(now);
    slot& place = slots_[static_cast<std::uint64_t>(second) % slots_.size()];
    if (place.second != second) place = {second, {}};
    place.worst = std::max(place.worst, stall);
}

stall_meter::clock::duration stall_meter::longest(clock::time_point now) const noexcept {
    const auto last = second_of(now);
    clock::duration worst{};
    for (const slot& place : slots_)
        if (place.second > last - window_seconds && place.second <= last)
            worst = std::max(worst, place.worst);
    if (working_) worst = std::max(worst, now - begun_);
    return worst;
}

}  // namespace logagent::agent
