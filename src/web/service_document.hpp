#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "logagent/fleet/service.hpp"

namespace logagent::web {

/// 1 to 64 of a-z A-Z 0-9 . _ -, the first a letter or digit.
bool valid_service_name(std::string_view name);

/// Reads a definition out of a request; throws `refused` (422) with everything that is wrong with
/// it. `stored` is what it replaces, null if there is nothing. Pure.
fleet::service read_definition(std::string_view name, boost::json::object definition,
                               const fleet::service* stored);

/// Removes what the server adds to its answers, so that an answer can be sent back changed; sets
/// "name".
void strip_server_fields(boost::json::object& definition, std::string_view name);

}  // namespace logagent::web
