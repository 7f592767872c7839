#pragma once

#include <string>
#include <string_view>

#include "logagent/checkpoint/state.hpp"

namespace logagent::tail {

/// The directory of a path; "/" for a path directly below it.
std::string parent_of(std::string_view path);
std::string child_of(std::string_view directory, std::string_view name);

/// Whether a name may be that of a rotated log; `suffix` is what follows the log's name.
bool is_rotated(std::string_view suffix);
/// By its name.
bool is_compressed(std::string_view name);

/// Under another topic a generation goes on where `earlier` had come to; its file has `size` bytes.
void take_over(const checkpoint::position_record& earlier, std::uint64_t size,
               checkpoint::position_record& position);

}  // namespace logagent::tail
