#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "exchange.hpp"
#include "parts.hpp"
#include "tail_feed.hpp"

namespace logagent::web {

/// Follows the lines that the query of the request names, and leaves a record of that in the audit
/// before the first is shown. Throws `refused`.
boost::asio::awaitable<std::unique_ptr<tail_feed>> start_tail(parts& with, exchange& one);

}  // namespace logagent::web
