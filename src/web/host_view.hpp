#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "host_registry.hpp"

namespace logagent::web {

/// A host as lists and details show it.
boost::json::object shown_host(const std::string& host, const host_record& record);

/// The same with so much of its status as changes often and is little: for events.
boost::json::object short_host(const std::string& host, const host_record& record);

}  // namespace logagent::web
