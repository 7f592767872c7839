#pragma once

#include <boost/asio/awaitable.hpp>

#include "fleet_state.hpp"

namespace logagent::web {

/// Leaves in a plan only what gives hosts something: a host loses and changes nothing, though its
/// entries may move from one of its addresses to another. What stops or changes a target is for
/// people to decide; a definition that vanished from etcd must not stop a fleet by itself. Pure.
void keep_additions(fleet::plan& plan);

/// The same, noted for whoever goes on with it.
void keep_additions(prepared_plan& prepared);

/// Stores hosts as their agents report them, and gives those that services select, and that came or
/// moved since the last change, their keys. Returns whether there was nothing left to do; throws
/// `refused` like the endpoints.
boost::asio::awaitable<bool> serve_new_hosts(parts& with, std::int64_t now_ms);

}  // namespace logagent::web
