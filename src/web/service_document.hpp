#pragma once

#include <boost/json/object.hpp>
#include <string_view>
#include <vector>

#include "problem.hpp"

namespace logagent::web {

/// 1 to 128 of a-z A-Z 0-9 . _ -, the first a letter or digit.
bool valid_service_name(std::string_view name);

/// Everything that is wrong with a definition. Members that the server itself adds to its answers
/// are no part of it. Pure.
std::vector<field_error> check_service(std::string_view name,
                                       const boost::json::object& definition);

/// Removes what the server adds to its answers, so that an answer can be sent back changed; sets
/// "name".
void strip_server_fields(boost::json::object& definition, std::string_view name);

}  // namespace logagent::web
