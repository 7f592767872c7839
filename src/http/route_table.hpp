#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/http/server.hpp"

namespace logagent::http {

/// Fits a path to a pattern of `route` and returns the decoded parameters. Pure.
std::optional<std::vector<field>> fit(std::string_view pattern, std::string_view path);

/// Which route answers a request.
struct routing {
    const route* found = nullptr;  // null: nobody
    std::vector<field> parameters;
    std::string allowed;  // methods of the path, for 405; empty: the path is unknown
};

routing find_route(const std::vector<route>& routes, std::string_view method,
                   std::string_view path);

}  // namespace logagent::http
