#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/checkpoint/state.hpp"
#include "logagent/os/compressed_file.hpp"
#include "logagent/os/disk.hpp"

namespace logagent::tail {

/// One life of a path's file and where its bytes lie now. It stays open from the moment it was
/// recognised, so a rotation or compression meanwhile changes nothing.
struct generation_file {
    std::string path;
    std::unique_ptr<os::file> bytes;  // decompressed
    os::file_status status;           // of the file on the disk, packed as it may be
    os::compression packed = os::compression::none;
    bool current = false;  // lies at the path itself, so more may be written
    std::optional<checkpoint::generation_id> id;
    bool known = false;                 // the id is the journal's; else see derive_id()
    std::optional<std::uint64_t> size;  // of the bytes; packed ones have to be unpacked for it
};

struct generation_listing {
    std::vector<generation_file> files;  // oldest first, the current one last
    std::vector<std::string> notes;      // why something was left out
};

/// Whether a name is what rotation makes of `name`: PATH.1, PATH-20261123, PATH.old, and those with
/// .gz or .zst behind; also name-20261123.log for name.log.
bool is_rotated_name(std::string_view name, std::string_view candidate);

/// Everything in the path's directory that is, or was, a life of the file at `path`: what is there
/// now, what has a rotated name, and what the journal recognises under any other name.
///
/// A generation of the journal is known again by inode and head, or, where it was copied or
/// compressed, by its head and the bytes before its position. Two files of one generation count
/// once; the one that is not packed wins. Waits for the disk.
generation_listing find_generations(os::disk& disk, const checkpoint::state& known,
                                    const std::string& path, bool trusted);

/// Gives back the memory of a packed file that is not read for a while.
void rest(const generation_file& which);

/// Unpacks the file to its end where its size is not known yet. Returns 0 or an errno.
int measure(generation_file& which);

/// Gives an id to a file that the journal does not know, always the same one (docs/formats.md).
/// Reads a file that is not the current one to its end. Returns 0 or an errno.
int derive_id(generation_file& which, const std::string& path);

}  // namespace logagent::tail
