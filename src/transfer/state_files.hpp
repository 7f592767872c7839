#pragma once

#include <map>
#include <string>

namespace logagent::transfer {

/// Makes the directory of one route below `state`, and returns its path. Throws problem_error.
std::string route_spool(const std::string& state, const std::string& route);

/// Where the routes that came from etcd are kept for a start without it, and what stands there.
std::string saved_routes_path(const std::string& state);
std::map<std::string, std::string> saved_routes(const std::string& state);

}  // namespace logagent::transfer
