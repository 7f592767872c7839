#include "os/posix_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cerrno>

namespace logagent::os {

file_status::type kind_of(mode_t mode) {
    if (S_ISREG(mode)) return file_status::type::regular;
    if (S_ISDIR(mode)) return file_status::type::directory;
    if (S_ISLNK(mode)) return file_status::type::symlink;
    if (S_ISFIFO(mode)) return file_status::type::fifo;
    if (S_ISSOCK(mode)) return file_status::type::socket;
    if (S_ISCHR(mode) || S_ISBLK(mode)) return file_status::type::device;
    return file_status::type::other;
}

void fill(const struct ::stat& from, file_status& out) {
    out.kind = kind_of(from.st_mode);
    out.device = from.st_dev;
    out.inode = from.st_ino;
    out.modified = from.st_mtim.tv_sec * 1'000'000'000LL + from.st_mtim.tv_nsec;
    out.size = static_cast<std::uint64_t>(from.st_size);
    out.links = static_cast<std::uint32_t>(from.st_nlink);
}

posix_file::posix_file(unique_fd fd) : fd_{std::move(fd)} {
    struct ::statx extended {};
    if (::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_BTIME, &extended) == 0 &&
        (extended.stx_mask & STATX_BTIME))
        birth_time_ = extended.stx_btime.tv_sec * 1'000'000'000LL + extended.stx_btime.tv_nsec;
    // Declared for a long, written as an int by the kernel.
    long generation = 0;
    if (::ioctl(fd_.get(), FS_IOC_GETVERSION, &generation) == 0)
        generation_ = static_cast<std::uint32_t>(generation);
}

int posix_file::status(file_status& out) const {
    struct ::stat now;
    if (::fstat(fd_.get(), &now) != 0) return errno;
    fill(now, out);
    out.generation = generation_;
    out.birth_time = birth_time_;
    return 0;
}

std::int64_t posix_file::read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                              read_mode mode) const {
    const iovec buffers[] = {{first.data(), first.size()}, {second.data(), second.size()}};
    const auto* from = first.empty() ? buffers + 1 : buffers;
    const int count = first.empty() || second.empty() ? 1 : 2;
    const auto at = static_cast<off_t>(offset);
    for (;;) {
        const bool nowait = mode == read_mode::cached && nowait_;
        const auto got = nowait ? ::preadv2(fd_.get(), from, count, at, RWF_NOWAIT)
                                : ::preadv(fd_.get(), from, count, at);
        if (got >= 0) return got;
        if (nowait && (errno == EOPNOTSUPP || errno == ENOSYS)) {
            nowait_ = false;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

void posix_file::will_need(std::uint64_t offset, std::uint64_t length) const {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length),
                    POSIX_FADV_WILLNEED);
}

}  // namespace logagent::os
