#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::os {

/// What a look at a file tells. Times are nanoseconds since the epoch.
struct file_status {
    enum class type : std::uint8_t { regular, directory, symlink, fifo, socket, device, other };

    type kind = type::other;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t generation = 0;  // the inode's generation (FS_IOC_GETVERSION); 0 = not available
    std::int64_t birth_time = 0;   // statx btime; 0 = not available
    std::int64_t modified = 0;
    std::uint64_t size = 0;
    std::uint32_t links = 0;  // 0 = deleted, alive only through open descriptors
};

/// Why a path is not read. `text()` of open_failure has the details for people.
enum class open_error : std::uint8_t {
    missing,        // no such file or directory, dangling link
    not_allowed,    // outside allow_paths, or inside deny_paths, at some hop
    not_regular,    // directory, FIFO, socket, device
    no_permission,  // EACCES, EPERM
    link_loop,      // ELOOP
    hard_link,      // more than one link, allow_hardlinks is false
    network_fs,     // NFS, CIFS, FUSE, allow_network_fs is false; or a pseudo file system
    busy,           // EAGAIN: a lease of its owner; try again
    exhausted,      // EMFILE, ENFILE: no descriptors left
    io,             // anything else
};

struct open_failure {
    open_error reason = open_error::io;
    std::string text;  // one line: what was tried, on which hop, why it failed
};

/// An open log file. Positional reads only, so it has no cursor.
class file {
public:
    virtual ~file() = default;

    /// fstat and friends. Returns 0 or an errno.
    virtual int status(file_status& out) const = 0;

    enum class read_mode : std::uint8_t {
        cached,    // never waits for the disk (RWF_NOWAIT); -EAGAIN where it would have to
        blocking,  // may wait for the disk
    };

    /// One positional read over two buffers (the first may be empty). Returns the bytes read, 0 at
    /// the end of the file, or -errno. A short count is not the end.
    virtual std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                              read_mode mode) const = 0;

    /// Asks the kernel to bring a range into the cache; returns at once.
    virtual void will_need(std::uint64_t offset, std::uint64_t length) const = 0;
};

/// The file systems as the tailing code sees them; tests bring one in memory.
class disk {
public:
    struct opened {
        std::unique_ptr<os::file> file;  // null: see `failure`
        open_failure failure;
        std::string real_path;  // after all links
        std::vector<std::string>
            directories;      // directories of every hop, to be watched; the path's
                              // own first. Filled as far as known on failure too
        bool polled = false;  // inotify reports nothing here (network file system)
    };

    struct entry {
        std::string name;
        file_status::type kind = file_status::type::other;  // other: unknown, ask status()
    };

    virtual ~disk() = default;

    /// Opens a log file for reading, under the local path policy, without ever blocking.
    /// `trusted`: the local user named this path himself, so only deny_paths holds.
    virtual opened open(std::string_view path, bool trusted) = 0;

    /// stat() of a path, links followed. Returns 0 or an errno.
    virtual int status(std::string_view path, file_status& out) = 0;

    /// Entries of a directory without "." and "..". Returns 0 or an errno.
    virtual int list(std::string_view directory, std::vector<entry>& out) = 0;

    /// Whether the policy lets anything under this path be opened; no file needs to exist.
    virtual bool allowed(std::string_view path, bool trusted) const = 0;
};

}  // namespace logagent::os
