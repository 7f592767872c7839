#pragma once

#include <string>
#include <string_view>

#include "transfer/elasticsearch_index.hpp"

namespace logagent::transfer {

/// The name of the template of a pattern; two routes with the same pattern share it.
std::string template_name(const index_pattern& pattern);

/// How `fields` is kept: everything in it can be searched and nothing in it can conflict. Servers
/// differ in the name of that kind; the last one is known to all of them, but cannot be searched.
inline constexpr std::string_view field_kinds[] = {"flat_object", "flattened", "object"};

/// The body of PUT /_index_template/NAME.
std::string template_body(const index_pattern& pattern, std::string_view field_kind);

}  // namespace logagent::transfer
