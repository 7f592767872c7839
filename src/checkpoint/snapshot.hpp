#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/changes.hpp"
#include "logagent/os/journal_files.hpp"

namespace logagent::checkpoint {

/// A journal file with its place in the numbering of frames.
struct journal_file {
    std::unique_ptr<os::journal_files::file> file;
    std::uint64_t seed = 0;
    std::uint64_t frames = 0;         // in the file
    std::uint64_t size = 0;           // bytes of the header and of those frames
    std::uint64_t snapshot_size = 0;  // of them, the snapshot

    /// Adds a frame; returns 0 or an errno, and then the frame does not count (though part of it
    /// may stand in the file).
    int append(frame_writer&& frame);
};

/// Writes a whole state into a new file, a slice at a time. The state may change between slices:
/// what changes has to be noted by the caller, and added before the end mark.
class snapshot {
public:
    /// Makes the file with its header.
    int begin(os::journal_files& files, const std::string& name, const std::string& writer);

    /// Adds at most `limit` records. `more` tells whether any are left.
    int step(const state& state, std::size_t limit, std::int64_t now_ms, bool& more);

    /// Adds what changed meanwhile and the end mark: from here on the file is a state.
    int end(const changes& since, const state& state, std::int64_t now_ms);

    journal_file& file() noexcept { return file_; }

private:
    journal_file file_;
    std::optional<generation_id> generation_;  // the last ones that were written
    std::optional<state::position_key> position_;
    std::optional<state::target_key> target_;
    std::optional<std::uint64_t> loss_;
};

}  // namespace logagent::checkpoint
