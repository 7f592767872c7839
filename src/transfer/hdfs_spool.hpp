#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "logagent/os/unique_fd.hpp"

namespace logagent::transfer {

/// A file on the local disk that has no name, so that nothing of it stays behind, however the
/// process ends. Kafka is the truth, so nothing is brought to the disk; writes go to the page
/// cache, and small ones are gathered.
class hdfs_spool {
public:
    /// `directory` must exist. open() comes before everything else.
    explicit hdfs_spool(std::string directory) : directory_{std::move(directory)} {}

    /// Returns 0 or an errno.
    int open();

    /// Adds a line and its end. Only once more than `gather` bytes are there are they written.
    /// After an errno the line is kept all the same, and flush() tries again.
    int append(std::string_view line, std::size_t gather);

    /// Writes what was gathered. Returns 0 or an errno.
    int flush();

    std::uint64_t size() const noexcept { return written_ + gathered_.size(); }

    /// Reads up to into.size() bytes at `offset`, which must be flushed; less only at the end.
    /// Throws system_error.
    std::size_t read(char* into, std::size_t size, std::uint64_t offset) const;

private:
    std::string directory_;
    os::unique_fd fd_;
    std::string gathered_;
    std::uint64_t written_ = 0;
};

}  // namespace logagent::transfer
