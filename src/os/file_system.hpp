#pragma once

#include <cstdint>
#include <string_view>

namespace logagent::os {

enum class file_system_kind : std::uint8_t {
    local,
    network,  // reads may hang for ever, and inotify does not see what other hosts write
    pseudo,   // made up by the kernel; reading may have effects
};

/// By statfs(2) f_type.
file_system_kind classify_file_system(std::uint64_t magic);

/// By the name in the mount table; only network ones and the automounter are recognised, since the
/// question is whether touching a path can hang.
bool may_hang(std::string_view file_system_name);

}  // namespace logagent::os
