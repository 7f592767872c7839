#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "checkpoint/record.hpp"
#include "logagent/checkpoint/state.hpp"

namespace logagent::checkpoint {

/// What one file of the journal still says.
struct recovery {
    checkpoint::state state;
    checkpoint::header header;
    std::uint64_t frames = 0;
    std::uint64_t good_size = 0;      // bytes up to the first damage
    std::uint64_t snapshot_size = 0;  // bytes up to the end of the snapshot
    std::string damage;               // why the file as a whole cannot be used; empty = it can
};

/// Reads the longest valid run of frames. A file without its whole snapshot is not usable at all.
/// Throws unusable_state where another version of the program is needed; `name` is for its text.
recovery recover(std::string_view bytes, const std::string& name);

}  // namespace logagent::checkpoint
