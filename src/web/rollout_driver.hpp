#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "rollouts.hpp"

namespace logagent::web {

/// Moves rollouts on. Run by the one process that leads; that two do so for a moment harms nothing.
class rollout_driver {
public:
    explicit rollout_driver(parts& with) : with_{with} {}

    /// Looks at every active rollout once, and takes the step that is due. Throws `refused`.
    boost::asio::awaitable<void> look(std::int64_t now_ms);

private:
    boost::asio::awaitable<void> look_at(std::string service, std::string id, std::int64_t now_ms);
    /// Carries out what was decided about the rollout as it was at that mod_revision.
    boost::asio::awaitable<void> act(std::string service, std::int64_t decided_at,
                                     fleet::rollout_decision decided, std::int64_t now_ms);
    boost::asio::awaitable<void> settle(read_rollout_result read, std::int64_t now_ms);

    parts& with_;
};

}  // namespace logagent::web
