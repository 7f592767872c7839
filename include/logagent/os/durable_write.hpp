#pragma once

#include <string>
#include <string_view>

namespace logagent::os {

/// Replaces a small file so that after a crash it has its old or its new content, nothing between:
/// temporary file, fsync, rename, fsync of the directory. Waits for the disk, so only for what is
/// written rarely. Mode 0600. Returns 0 or an errno; after an error the old file is as it was.
int durable_write(const std::string& path, std::string_view bytes);

/// The same without bringing anything to the disk, so it does not wait: whole after the end of this
/// process in any way, perhaps old, empty or gone after a power cut.
int atomic_write(const std::string& path, std::string_view bytes);

}  // namespace logagent::os
