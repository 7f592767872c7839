#include "logagent/base/log_limiter.hpp"

#include <utility>

namespace logagent::base {

log_limiter::decision log_limiter::ask(std::string_view name, time_point now) {
    const auto [position, is_new] = entries_.try_emplace(name, entry{now});
    auto& current = position->second;
    decision answer;
    if (!is_new && now - current.begin >= window_)
        answer.suppressed_before = std::exchange(current, entry{now}).suppressed;
    if (current.written < most_) {
        ++current.written;
        answer.write = true;
    } else {
        ++current.suppressed;
    }
    return answer;
}

std::vector<log_limiter::suppressed> log_limiter::sweep(time_point now) {
    std::vector<suppressed> told;
    for (auto& [name, current] : entries_) {
        if (current.suppressed == 0 || now - current.begin < window_) continue;
        told.push_back({name, current.suppressed});
        current = entry{now};
    }
    return told;
}

}  // namespace logagent::base
