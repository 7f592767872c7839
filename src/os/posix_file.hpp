#pragma once

#include <sys/stat.h>

#include "logagent/os/disk.hpp"
#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

/// An open regular file. What never changes (birth time, inode generation) is asked once, so
/// status() is one fstat().
class posix_file final : public file {
public:
    explicit posix_file(unique_fd fd);

    int status(file_status& out) const override;
    std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                      read_mode mode) const override;
    void will_need(std::uint64_t offset, std::uint64_t length) const override;

private:
    unique_fd fd_;
    std::uint64_t generation_ = 0;
    std::int64_t birth_time_ = 0;
    mutable bool nowait_ = true;  // until the file system says that it cannot
};

file_status::type kind_of(mode_t mode);
void fill(const struct ::stat& from, file_status& out);

}  // namespace logagent::os
