#pragma once

#include <optional>

namespace logagent::tail {

/// How one rotated or current file of a path stands against the rotation that will delete it.
struct backlog {
    double lifetime_s = 0;   // of the path's last file, from when it was first seen to its deletion
    double age_s = 0;        // of this file
    double lag_bytes = 0;    // not acknowledged yet
    double bytes_per_s = 0;  // at which the path is being read now
};

/// Seconds until the file is deleted, if it will not have been read by then; nothing if it will be,
/// or if no file of the path was ever seen to be deleted.
std::optional<double> time_to_loss(const backlog& file) noexcept;

}  // namespace logagent::tail
