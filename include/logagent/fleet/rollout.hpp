#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/json.hpp"
#include "logagent/fleet/cohort.hpp"
#include "logagent/fleet/service.hpp"

namespace logagent::fleet {

enum class rollout_state : std::uint8_t { running, paused, done, aborted };

std::string_view name_of(rollout_state state);

/// Why a rollout is paused or was aborted.
///
/// Codes: "failed" (agents refuse the configuration), "heartbeat" (agents went silent), "lag"
/// (files fall behind), "fleet" (hosts that are not in it suffer as well), "silent" (agents are
/// there and do not answer), "conflict" (it cannot be rendered any more), "person".
struct rollout_reason {
    std::string code;  // "" = none
    std::string detail;
    std::vector<std::string> hosts;  // the first most_named of them

    static constexpr std::size_t most_named = 20;
    bool operator==(const rollout_reason&) const = default;
};

struct rollout_stage_state {
    unsigned percent = 0;         // 0 = only the first host
    std::size_t hosts = 0;        // reached by its end, as it was when the rollout was made
    std::int64_t started_ms = 0;  // wall clock; 0 = not begun
    std::int64_t ended_ms = 0;

    bool operator==(const rollout_stage_state&) const = default;
};

/// How a host was when the stage began (or went on): what was wrong then is not held against it.
struct host_before {
    bool live = true;
    bool failed = false;
    std::uint64_t lag_bytes = 0;

    bool operator==(const host_before&) const = default;
};

/// A service on its way to another revision, stage by stage, as etcd holds it.
///
/// Until it is done the service's own key holds the old definition, so that taking a rollout back
/// means nothing more than rendering without it.
struct rollout {
    std::string id;
    service next;
    std::int64_t revision = 0;       // that `next` will be
    std::int64_t from_revision = 0;  // of the present definition; 0 = there is none
    rollout_state state = rollout_state::running;
    std::vector<rollout_stage_state> stages;  // at least one, ascending, the last has 100
    std::size_t stage = 0;                    // the last one that began
    std::string first_host;                   // "" = there was none
    std::int64_t bake_s = 300;                // watched for so long before the next stage
    std::int64_t patience_s = 120;            // agents that are there have so long to answer
    bool automatic = true;                    // false: each next stage waits for a person
    std::int64_t began_ms = 0;                // wall clock: the stage began or went on
    std::int64_t settled_ms = 0;              // all of its hosts had answered; 0 = not yet
    std::map<std::string, host_before, std::less<>> before;  // where it differs from host_before{}
    rollout_reason reason;
    std::int64_t created_ms = 0;
    std::string by;
    std::string message;

    bool active() const {
        return state == rollout_state::running || state == rollout_state::paused;
    }
    bool last_stage() const { return stage + 1 >= stages.size(); }
    cohort reached() const { return {id, first_host, stages.empty() ? 0 : stages[stage].percent}; }
    /// The stage in which a host is reached.
    std::size_t stage_of(std::string_view host) const;
};

/// The document in etcd, and back; codes of base::json_error, and those of a service's document.
boost::json::object to_json(const rollout& one);
base::json_result<rollout> parse_rollout(std::string_view json);

/// The stages for these hosts: percentages in ascending order, 0 = one host, the last 100. Those
/// that add nobody are left out, but for the last one.
std::vector<rollout_stage_state> plan_stages(std::span<const std::string> hosts,
                                             std::span<const unsigned> percents,
                                             const cohort& begin);

/// One host that the old or the new definition selects, as it is now.
struct rollout_host {
    std::string name;
    bool live = false;
    bool applied = false;  // runs what is rendered for it now
    std::string failed;    // what its agent refuses; "" = nothing
    std::optional<std::uint64_t> lag_bytes;
    bool seen = true;  // false: it has never had an agent, so there is nobody to fall silent
};

/// What differs from host_before{} among these hosts.
std::map<std::string, host_before, std::less<>> note_before(std::span<const rollout_host> hosts);

enum class rollout_move : std::uint8_t {
    wait,
    settle,  // all have answered: the watching begins
    advance,
    finish,
    pause,
    abort,
};

struct rollout_decision {
    rollout_move move = rollout_move::wait;
    rollout_reason why;  // of pause and abort
    bool operator==(const rollout_decision&) const = default;
};

/// Hosts may fall silent for other reasons: so many of a hundred are no reason to stop.
inline constexpr std::size_t tolerated_percent = 2;
/// A host suffers when its files fall behind by so much since the stage began.
inline constexpr std::uint64_t tolerated_lag = 64 << 20;

/// What to do next with a running rollout; a rollout that is not running waits.
///
/// A host that was already ill when the stage began is no reason for anything. One that refuses the
/// configuration ends the rollout; hosts that fall silent or behind do so where they are more than
/// tolerated_percent. If a share at least half as large of the hosts that are not in it suffers in
/// the same way, the change is not the likely cause, and it pauses.
rollout_decision decide(const rollout& one, std::span<const rollout_host> hosts,
                        std::int64_t now_ms);

}  // namespace logagent::fleet
