#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/replay_flags.hpp"
#include "logagent/agent/settings.hpp"
#include "logagent/checkpoint/state.hpp"
#include "logagent/fleet/log_target.hpp"

namespace logagent::cli {

/// As what the lines of a path are sent again.
struct replay_target {
    fleet::log_target target;  // its topic is the destination
    std::string origin;        // for people: which target that is
    std::vector<std::string> notes;
};

/// The targets that the agent with these settings applied last, from its state directory; `notes`
/// says why there are none.
std::vector<fleet::log_target> last_targets(const agent::settings& settings,
                                            std::vector<std::string>& notes);

/// Chooses the target whose path it is: an exact path before a glob, a longer literal beginning
/// before a shorter one, the wanted topic before another. Where no target has the path, the topics
/// that the journal knows and the defaults of `agent --file` hold. Throws usage_error where the
/// topic is not certain.
replay_target choose_target(const replay_order& order, std::span<const fleet::log_target> targets,
                            const checkpoint::state& known);

/// Whether a line begins a record of the target; empty where each line does.
std::function<bool(std::string_view)> record_beginnings(const fleet::log_target& target);

}  // namespace logagent::cli
