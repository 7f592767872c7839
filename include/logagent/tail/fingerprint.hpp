#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "logagent/checkpoint/state.hpp"
#include "logagent/os/disk.hpp"

namespace logagent::tail {

/// How a file is recognised: what the kernel says of its inode AND what its first bytes are AND
/// what stands before the position. No single one is enough (R-F6, R-F7): inodes are reused at once
/// on ext4, banners make equal heads, and a file can shrink and grow past the position between two
/// looks.

inline constexpr std::uint32_t head_bytes = 1024;
inline constexpr std::uint32_t anchor_bytes = 64;

/// XXH3-64; what the journal stores.
std::uint64_t hash(std::string_view bytes) noexcept;

enum class look : std::uint8_t {
    same,
    different,
    cold,    // not in the page cache; it was asked for, look again in a moment
    failed,  // the read failed
};

/// Hashes the first min(size, 1024) bytes into `out` (head_size, head_hash only).
look read_head(const os::file& file, std::uint64_t size, os::file::read_mode mode,
               checkpoint::file_identity& out);

/// Whether the first `known.head_size` bytes are still those.
look check_head(const os::file& file, const checkpoint::file_identity& known,
                os::file::read_mode mode);

/// Whether the bytes before the anchor's offset are still those. An anchor of size 0 fits anything.
look check_anchor(const os::file& file, const checkpoint::anchor& known, os::file::read_mode mode);

/// The same at every place where reading may go on, as far as the file is `size` bytes long. Only
/// behind holes it may be shorter; see ends_before().
look check_anchors(const os::file& file, const checkpoint::position_record& known,
                   os::file::read_mode mode, std::uint64_t size);

/// A copy of that size holds all holes of the position, and not all of what was read behind them:
/// it was made before that was written.
bool ends_before(const checkpoint::position_record& known, std::uint64_t size) noexcept;

/// The kernel's part: whether this can be the inode that was recorded. A device number may change
/// at a reboot, so it is not held against a file whose birth time fits.
bool may_be_same_inode(const os::file_status& now, const checkpoint::file_identity& known) noexcept;

}  // namespace logagent::tail
