#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apply.hpp"
#include "fleet_state.hpp"

// Rollouts: what is read of them, and their steps. Every step is one change with an audit record;
// its transaction compares the rollout's document, so that of two processes that take the same step
// one does it.

namespace logagent::web {

/// A rollout's document; throws `refused` (404, 500).
struct read_rollout_result {
    fleet::rollout value;
    std::int64_t mod_revision = 0;
};
boost::asio::awaitable<read_rollout_result> read_rollout(parts& with, std::string id);

/// How the hosts that a rollout concerns are now.
std::vector<fleet::rollout_host> observe(parts& with, std::span<const std::string> hosts,
                                         const fleet::rendering& wanted,
                                         const std::string& service);

/// What becomes of a rollout in one step.
enum class rollout_step_kind { begin, stage, pause, resume, abort, finish };

struct rollout_step {
    rollout_step_kind what = rollout_step_kind::stage;
    std::size_t stage = 0;         // of `stage`: the one that begins
    fleet::rollout_reason reason;  // of `pause` and `abort`
};

struct step_result {
    fleet::rollout value;  // as it is afterwards
    std::int64_t mod_revision = 0;
    carried_out done;
    prepared_plan prepared;
};

/// Takes a step of the active rollout of a service; `state` is what was read and is changed as the
/// step changes it. Nullopt: something has changed meanwhile, and nothing was done. With dry_run
/// only `prepared` is meaningful. Throws `refused`.
boost::asio::awaitable<std::optional<step_result>> take_step(parts& with, exchange& one,
                                                             fleet_state& state,
                                                             std::string service,
                                                             rollout_step step);

/// Puts the rollout into the state and begins its first stage. Nullopt as above, also if the
/// service was changed since the state was read.
boost::asio::awaitable<std::optional<step_result>> begin_rollout(parts& with, exchange& one,
                                                                 fleet_state& state,
                                                                 fleet::rollout value);

}  // namespace logagent::web
