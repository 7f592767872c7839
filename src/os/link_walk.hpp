#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/os/disk.hpp"

namespace logagent::os {

/// Where a path leads when every link in it is followed.
struct link_walk {
    std::string real_path;
    std::vector<std::string> directories;  // as disk::opened::directories
    std::optional<open_failure> failure;
};

/// Judges one hop: the path as it reads after the links so far. A failure ends the walk, before
/// anything of that hop was touched. The last hop judged is the real path: no link is left in it,
/// so its text tells where it leads.
using hop_check = std::function<std::optional<open_failure>(const std::string& hop)>;

/// Follows the links of an absolute path, one by one, at most 40 (as the kernel).
link_walk walk_links(std::string_view path, const hop_check& check);

/// The reason that stands for an errno of open(), stat() and their kind.
open_error reason_of(int error);

}  // namespace logagent::os
