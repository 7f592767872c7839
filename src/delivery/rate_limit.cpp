#include "logagent/delivery/rate_limit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace logagent::delivery {

namespace {

constexpr double burst_seconds = 0.1;
constexpr double quantum_seconds = 0.02;
constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

double burst_of(std::uint64_t rate) {
    return std::max(1.0, static_cast<double>(rate) * burst_seconds);
}

}  // namespace

token_bucket::token_bucket(std::uint64_t per_second, time_point now)
    : rate_{per_second}, burst_{burst_of(per_second)}, filled_{now} {
    // A full bucket would let each file begin with a burst; one token lets it begin at once.
    tokens_ = 1;
}

void token_bucket::set_rate(std::uint64_t per_second, time_point now) {
    if (per_second == rate_) return;
    refill(now);
    rate_ = per_second;
    burst_ = burst_of(per_second);
    // A debt made at the old rate must not stop a file for longer than one burst of the new one.
    tokens_ = std::clamp(tokens_, -burst_, burst_);
}

void token_bucket::refill(time_point now) {
    if (now <= filled_) return;
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * static_cast<double>(rate_));
    filled_ = now;
}

std::uint64_t token_bucket::available(time_point now) {
    if (unlimited()) return no_limit;
    refill(now);
    // Rounding must not hide a token that ready_at() promised.
    return tokens_ < 1 - 1e-9 ? 0 : static_cast<std::uint64_t>(tokens_ + 1e-9);
}

void token_bucket::spend(std::uint64_t tokens, time_point now) {
    if (unlimited()) return;
    refill(now);
    tokens_ -= static_cast<double>(tokens);
}

time_point token_bucket::ready_at(time_point now) {
    if (unlimited()) return now;
    refill(now);
    const double rate = static_cast<double>(rate_);
    const double wanted = std::min(burst_, std::max(1.0, std::floor(rate * quantum_seconds)));
    if (tokens_ >= wanted) return now;
    const double seconds = (wanted - tokens_) / rate;
    return now + std::chrono::duration_cast<duration>(std::chrono::duration<double>{seconds}) +
           std::chrono::nanoseconds{1};
}

rate_limit::allowance rate_limit::available(time_point now) {
    return {lines_.available(now), bytes_.available(now)};
}

void rate_limit::spend(std::uint64_t lines, std::uint64_t bytes, time_point now) {
    lines_.spend(lines, now);
    bytes_.spend(bytes, now);
}

time_point rate_limit::ready_at(time_point now) {
    return std::max(lines_.ready_at(now), bytes_.ready_at(now));
}

}  // namespace logagent::delivery
