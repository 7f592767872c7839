#include "login_limiter.hpp"

#include <algorithm>

namespace logagent::web {

namespace {

using namespace std::chrono_literals;

constexpr unsigned free_failures = 5;
constexpr auto longest_wait = 60s;
constexpr auto memory = 15min;
constexpr std::size_t most_addresses = 10'000;

}  // namespace

std::chrono::seconds login_limiter::wait(const std::string& address, clock::time_point now) const {
    const auto found = addresses_.find(address);
    if (found == addresses_.end() || found->second.free <= now) return 0s;
    return std::chrono::ceil<std::chrono::seconds>(found->second.free - now);
}

void login_limiter::failed(const std::string& address, clock::time_point now) {
    if (!addresses_.contains(address) && addresses_.size() >= most_addresses) forget_old(now);
    auto& one = addresses_[address];
    if (one.failures > 0 && now - one.last > memory) one = {};
    ++one.failures;
    one.last = now;
    one.free = now;
    if (one.failures < free_failures) return;
    const auto doublings = std::min(one.failures - free_failures, 6u);
    one.free = now + std::min<std::chrono::seconds>(1s * (1 << doublings), longest_wait);
}

void login_limiter::forget_old(clock::time_point now) {
    std::erase_if(addresses_, [&](const auto& one) { return now - one.second.last > memory; });
    if (addresses_.size() < most_addresses) return;
    addresses_.erase(
        std::ranges::min_element(addresses_, {}, [](const auto& one) { return one.second.last; }));
}

}  // namespace logagent::web
