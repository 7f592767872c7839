#pragma once

#include <string>
#include <string_view>

namespace logagent::tail {

/// The directory of a path; "/" for a path directly below it.
std::string parent_of(std::string_view path);
std::string child_of(std::string_view directory, std::string_view name);

/// Whether a name may be that of a rotated log; `suffix` is what follows the log's name.
bool is_rotated(std::string_view suffix);
/// By its name.
bool is_compressed(std::string_view name);

}  // namespace logagent::tail
