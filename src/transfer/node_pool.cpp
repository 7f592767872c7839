#include "transfer/node_pool.hpp"

#include <algorithm>

namespace logagent::transfer {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds first_time_out = 250ms;
constexpr std::chrono::milliseconds longest_time_out = 4s;

}  // namespace

node_pool::node_pool(const std::vector<http::endpoint>& nodes) {
    for (const auto& where : nodes)
        nodes_.emplace_back().where = where;
}

bool node_pool::usable(const node& one, time_point now) const {
    if (now < one.until) return false;
    return one.failures == 0 || one.requests == 0;
}

std::optional<std::size_t> node_pool::take(time_point now) {
    std::optional<std::size_t> best;
    for (std::size_t step = 0; step < nodes_.size(); ++step) {
        const std::size_t at = (turn_ + step) % nodes_.size();
        if (!usable(nodes_[at], now)) continue;
        if (!best || nodes_[at].requests < nodes_[*best].requests) best = at;
    }
    if (!best) return best;
    turn_ = (*best + 1) % nodes_.size();
    ++nodes_[*best].requests;
    return best;
}

void node_pool::answered(std::size_t number) {
    node& one = nodes_[number];
    --one.requests;
    one.failures = 0;
    one.until = time_point::min();
}

void node_pool::failed(std::size_t number, time_point now) {
    node& one = nodes_[number];
    --one.requests;
    // Requests that were on their way together fail together.
    if (now < one.until) return;
    const auto out = std::min<std::chrono::milliseconds>(
        first_time_out * (1 << std::min(one.failures, 10U)), longest_time_out);
    ++one.failures;
    one.until = now + out;
}

node_pool::time_point node_pool::next(time_point now) const {
    auto first = time_point::max();
    for (const node& one : nodes_)
        // One that is being tried is known once its request has ended.
        if (one.failures == 0 || one.requests == 0)
            first = std::min(first, std::max(one.until, now));
    return first;
}

}  // namespace logagent::transfer
