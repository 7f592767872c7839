#include "os/real_open.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace logagent::os {

int real_open::directory(const std::string& real_path, unique_fd& out) {
    if (use_openat2_) {
        open_how how{};
        how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
        how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
        out.reset(static_cast<int>(
            ::syscall(SYS_openat2, AT_FDCWD, real_path.c_str(), &how, sizeof how)));
        if (out) return 0;
        // Before Linux 5.6 there is no such call; old container filters answer EPERM for any new
        // one.
        if (errno != ENOSYS && errno != EPERM) return errno;
        use_openat2_ = false;
    }
    return walk(real_path, out);
}

int real_open::walk(const std::string& real_path, unique_fd& out) {
    constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    out.reset(::open("/", flags));
    for (std::size_t begin = 1; out && begin < real_path.size();) {
        const auto end = std::min(real_path.find('/', begin), real_path.size());
        const auto name = real_path.substr(begin, end - begin);
        out.reset(::openat(out.get(), name.c_str(), flags));
        begin = end + 1;
    }
    if (out) return 0;
    // O_DIRECTORY with O_NOFOLLOW says ENOTDIR for a link: the caller reads it as "not there".
    return errno;
}

}  // namespace logagent::os
