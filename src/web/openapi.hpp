#pragma once

#include <string_view>

namespace logagent::web {

/// The OpenAPI 3.1 document of this API, made from openapi.py.
std::string_view openapi_document();

}  // namespace logagent::web
