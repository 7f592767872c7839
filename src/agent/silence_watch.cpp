#include "agent/silence_watch.hpp"

#include <algorithm>

namespace logagent::agent {

namespace {

using namespace std::chrono_literals;

constexpr auto silence = 120s;
constexpr auto between = 10min;  // from one new client to the next
constexpr auto blind = 10s;      // nobody looked for that long: the process stood still, not Kafka

}  // namespace

std::optional<std::int32_t> silence_watch::look(std::span<const std::int32_t> busy,
                                                std::span<const kafka::broker_state> brokers,
                                                clock::time_point now) {
    if (now - looked_ > blind) waiting_since_.clear();
    looked_ = now;
    std::optional<std::int32_t> silent;
    std::map<std::int32_t, clock::time_point> waiting;
    for (const auto& broker : brokers) {
        if (!broker.up || std::find(busy.begin(), busy.end(), broker.id) == busy.end()) continue;
        const auto known = waiting_since_.find(broker.id);
        const auto since = known == waiting_since_.end() ? now : known->second;
        waiting.emplace(broker.id, since);
        const auto heard = std::max({since, broker.since, broker.last_ack});
        if (!silent && now - heard >= silence) silent = broker.id;
    }
    waiting_since_ = std::move(waiting);
    if (!silent || (fired_ && now - *fired_ < between)) return std::nullopt;
    fired_ = now;
    waiting_since_.clear();
    return silent;
}

std::vector<std::int32_t> busy_leaders(const delivery::topic_table& topics) {
    std::vector<std::int32_t> found;
    for (const auto& [name, topic] : topics.all())
        for (const auto& lane : topic->lanes())
            if (lane.in_flight() > 0 && lane.has_leader() && lane.leader())
                found.push_back(*lane.leader());
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

}  // namespace logagent::agent
