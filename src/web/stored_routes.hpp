#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "parts.hpp"
#include "route_view.hpp"

namespace logagent::web {

/// All routes of transfer that are in etcd. Throws `refused`.
boost::asio::awaitable<stored_routes> read_routes(parts& with);

/// One of them; nothing if there is none. Throws `refused`.
boost::asio::awaitable<std::optional<stored_route>> read_route(parts& with, std::string name);

}  // namespace logagent::web
