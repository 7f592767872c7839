#include "transfer/hdfs_publication.hpp"

namespace logagent::transfer {

void hdfs_publication::created(std::uint64_t length) noexcept {
    length_ = length;
    next_ = step::check;
}

void hdfs_publication::checked(std::optional<hdfs_file_status> found) noexcept {
    const bool whole = found && !found->directory && found->length == length_;
    if (!whole) length_.reset();
    next_ = whole ? step::make_directory : step::create;
}

void hdfs_publication::looked(std::optional<hdfs_file_status> found) {
    obstacle_.clear();
    if (!found) {
        // Not moved: the parent is missing, or the temporary file is.
        next_ = length_ ? step::check : step::create;
    } else if (ours(*found)) {
        was_there_ = next_ == step::look_before;
        next_ = step::finished;
    }
}

bool hdfs_publication::ours(const hdfs_file_status& found) {
    if (found.directory) {
        obstacle_ = "a directory has that name";
        return false;
    }
    const auto expected = length_ || compressed_ ? length_ : size_;
    if (found.length == expected) return true;
    // Only a checked file ever gets the name. It may hold more than can be read from Kafka by now,
    // and another version of the codec packs the same bytes into another length.
    if (repeated_ && (compressed_ || found.length > size_)) return true;
    obstacle_ = "a file of " + std::to_string(found.length) + " bytes has that name, ours has " +
                std::to_string(expected.value_or(size_)) + " bytes";
    return false;
}

}  // namespace logagent::transfer
