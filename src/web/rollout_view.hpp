#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <string_view>

#include "logagent/fleet/rollout.hpp"

// Rollouts as the API shows them. Pure.

namespace logagent::web {

/// Without "reached", "applied", "failed" and "offline", which only hosts can tell.
boost::json::object item_json(const fleet::rollout& one);

/// With them.
boost::json::object item_json(const fleet::rollout& one,
                              std::span<const fleet::rollout_host> hosts);

/// "pending" (not reached yet), "written", "applied", "failed", "offline", "reverted".
std::string_view state_in(const fleet::rollout& one, const fleet::rollout_host& host);

/// {"host","stage","state","detail","lag_bytes","lag_before_bytes"}.
boost::json::object host_json(const fleet::rollout& one, const fleet::rollout_host& host);

}  // namespace logagent::web
