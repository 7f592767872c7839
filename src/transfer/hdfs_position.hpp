#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "logagent/base/error.hpp"
#include "transfer/hdfs_layout.hpp"

namespace logagent::transfer {

/// A range that is being published: from now on it is these offsets or nothing, under this layout,
/// whoever goes on with it.
struct hdfs_intent {
    offset_range range;
    hdfs_layout layout;
    std::string source_id;  // hdfs_source::id, as the names have it
};

/// What the metadata of a partition's commit says.
///
/// JSON: {"v":1,"epoch":N}, with "hour" where hours were marked, and while a range is being
/// published with "from", "pub" (its last offset), "layout" (the hash), "as" (the layout itself,
/// so that another process with another configuration can build the same files) and "id".
struct hdfs_position {
    std::uint64_t epoch = 0;       // ranges of this partition so far, repeated ones too
    std::optional<utc_hour> hour;  // all hours before it are marked as complete
    std::optional<hdfs_intent> intent;

    /// At most 4096 bytes where the layout's texts have at most 3000.
    std::string metadata() const;

    /// Foreign or no metadata is an empty position. Code "newer": a later version wrote it, and
    /// nothing may be published before that one has finished.
    static base::result<hdfs_position> read(std::string_view metadata);
};

}  // namespace logagent::transfer
