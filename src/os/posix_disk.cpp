#include "logagent/os/posix_disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>

#include "logagent/os/descriptor_limit.hpp"
#include "os/file_system.hpp"
#include "os/link_walk.hpp"
#include "os/mount_table.hpp"
#include "os/posix_file.hpp"
#include "os/real_open.hpp"

namespace logagent::os {

namespace {

const char* name_of(file_status::type kind) {
    switch (kind) {
        case file_status::type::directory:
            return "a directory";
        case file_status::type::symlink:
            return "a link";
        case file_status::type::fifo:
            return "a FIFO";
        case file_status::type::socket:
            return "a socket";
        case file_status::type::device:
            return "a device";
        default:
            return "not a regular file";
    }
}

/// A text that speaks of another path, somewhere behind a link, says also which one was asked for.
void name_the_path(std::string_view path, std::string& text) {
    const bool named = text.starts_with(path) && text.size() > path.size() &&
                       (text[path.size()] == ' ' || text[path.size()] == ':');
    if (!named) text = std::string{path} + ": " + text;
}

file_status::type kind_of_entry(unsigned char type) {
    return type == DT_UNKNOWN ? file_status::type::other : kind_of(DTTOIF(type));
}

}  // namespace

struct posix_disk::implementation {
    explicit implementation(settings chosen)
        : settings_{std::move(chosen)}, opener_{settings_.use_openat2} {}

    std::optional<open_failure> check_hop(std::string_view named, const std::string& hop,
                                          bool trusted) {
        const auto verdict = settings_.policy.check(hop, trusted);
        if (!verdict.allowed)
            return open_failure{open_error::not_allowed, describe(named, hop, verdict.reason)};
        if (settings_.allow_network_fs) return std::nullopt;
        const auto file_system = mounts_.hanging(hop);
        if (file_system.empty()) return std::nullopt;
        return open_failure{
            open_error::network_fs,
            describe(named, hop, "is on " + file_system + ", allow_network_fs is off")};
    }

    static std::string describe(std::string_view named, const std::string& hop,
                                const std::string& reason) {
        if (hop == named) return hop + " " + reason;
        return std::string{named} + " leads to " + hop + ", which " + reason;
    }

    /// Opens what walk_links() found. Every step is safe against a path that changes meanwhile.
    std::optional<open_failure> open_real(opened& out) {
        const auto slash = out.real_path.rfind('/');
        const auto parent = slash == 0 ? std::string{"/"} : out.real_path.substr(0, slash);
        const auto name = out.real_path.substr(slash + 1);
        const auto failed = [&](int error) {
            return open_failure{reason_of(error), out.real_path + ": " + std::strerror(error)};
        };
        if (name.empty())
            return open_failure{open_error::not_regular, out.real_path + " is a directory"};

        unique_fd directory;
        if (const int error = opener_.directory(parent, directory)) return failed(error);

        // O_PATH opens nothing: no FIFO is joined, no device is started, no lease is broken.
        const unique_fd probe{
            ::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        struct ::stat seen;
        if (!probe || ::fstat(probe.get(), &seen) != 0) return failed(errno);
        if (!S_ISREG(seen.st_mode))
            return open_failure{open_error::not_regular,
                                out.real_path + " is " + name_of(kind_of(seen.st_mode))};
        if (auto refusal = check_file_system(probe.get(), out)) return refusal;

        unique_fd fd{::openat(directory.get(), name.c_str(),
                              O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW)};
        struct ::stat got;
        if (!fd || ::fstat(fd.get(), &got) != 0) return failed(errno);
        if (!leaves_spare_descriptors(fd.get())) return failed(EMFILE);
        if (got.st_ino != seen.st_ino || got.st_dev != seen.st_dev)
            return open_failure{open_error::busy, out.real_path + " was replaced meanwhile"};
        if (got.st_nlink > 1 && !settings_.allow_hardlinks)
            return open_failure{open_error::hard_link, out.real_path + " has " +
                                                           std::to_string(got.st_nlink) +
                                                           " links, allow_hardlinks is off"};
        // Reading must not write: else the first read after each write changes the inode. Only who
        // owns the file may ask for it, and everybody else reads all the same.
        ::fcntl(fd.get(), F_SETFL, O_NONBLOCK | O_NOATIME);
        out.file = std::make_unique<posix_file>(std::move(fd));
        return std::nullopt;
    }

    std::optional<open_failure> check_file_system(int fd, opened& out) const {
        struct ::statfs where;
        if (::fstatfs(fd, &where) != 0)
            return open_failure{open_error::io,
                                out.real_path + ": statfs: " + std::strerror(errno)};
        const auto kind = classify_file_system(static_cast<std::uint64_t>(where.f_type));
        out.polled = kind == file_system_kind::network;
        if (kind == file_system_kind::pseudo)
            return open_failure{open_error::network_fs,
                                out.real_path + " is on a file system of the kernel's own"};
        if (kind == file_system_kind::network && !settings_.allow_network_fs)
            return open_failure{
                open_error::network_fs,
                out.real_path + " is on a network file system, allow_network_fs is off"};
        return std::nullopt;
    }

    /// Whether a look at the path, links followed, could hang. Costs a walk only on a host that has
    /// such a mount.
    bool out_of_reach(std::string_view path) {
        if (settings_.allow_network_fs || !path.starts_with('/') || !mounts_.any_hangs())
            return false;
        const auto walk =
            walk_links(path, [&](const std::string& hop) -> std::optional<open_failure> {
                if (mounts_.hanging(hop).empty()) return std::nullopt;
                return open_failure{open_error::network_fs, {}};
            });
        return walk.failure && walk.failure->reason == open_error::network_fs;
    }

    settings settings_;
    real_open opener_;
    mount_table mounts_;
};

posix_disk::posix_disk(settings chosen)
    : impl_{std::make_unique<implementation>(std::move(chosen))} {}

posix_disk::~posix_disk() = default;

disk::opened posix_disk::open(std::string_view path, bool trusted) {
    opened out;
    // Without these two a walk would have nothing to begin with.
    if (path.empty() || path.front() != '/' || path.find('\0') != std::string_view::npos) {
        const auto verdict = impl_->settings_.policy.check(path, trusted);
        out.failure = {open_error::not_allowed, std::string{path} + " " + verdict.reason};
        return out;
    }
    auto walk = walk_links(
        path, [&](const std::string& hop) { return impl_->check_hop(path, hop, trusted); });
    out.real_path = std::move(walk.real_path);
    out.directories = std::move(walk.directories);
    if (!walk.failure) walk.failure = impl_->open_real(out);
    if (walk.failure) {
        out.failure = std::move(*walk.failure);
        name_the_path(path, out.failure.text);
    }
    return out;
}

int posix_disk::status(std::string_view path, file_status& out) {
    const std::string name{path};
    if (impl_->out_of_reach(path)) return EREMOTE;
    struct ::statx got {};
    if (::statx(AT_FDCWD, name.c_str(), AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME, &got) !=
        0)
        return errno;
    const auto ns = [](const statx_timestamp& time) {
        return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    };
    out = {};
    out.kind = kind_of(got.stx_mode);
    out.device = makedev(got.stx_dev_major, got.stx_dev_minor);
    out.inode = got.stx_ino;
    out.birth_time = got.stx_mask & STATX_BTIME ? ns(got.stx_btime) : 0;
    out.modified = ns(got.stx_mtime);
    out.size = got.stx_size;
    out.links = got.stx_nlink;
    return 0;
}

int posix_disk::list(std::string_view directory, std::vector<entry>& out) {
    const std::string name{directory};
    out.clear();
    if (impl_->out_of_reach(directory)) return EREMOTE;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream{::opendir(name.c_str()), ::closedir};
    if (!stream) return errno;
    for (;;) {
        errno = 0;
        const auto* found = ::readdir(stream.get());
        if (!found) return errno;
        const std::string_view entry_name = found->d_name;
        if (entry_name != "." && entry_name != "..")
            out.push_back({std::string{entry_name}, kind_of_entry(found->d_type)});
    }
}

bool posix_disk::allowed(std::string_view path, bool trusted) const {
    return impl_->settings_.policy.allows_below(path, trusted);
}

}  // namespace logagent::os
