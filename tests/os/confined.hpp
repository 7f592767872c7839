#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>

#include "logagent/os/confinement.hpp"
#include "support/test.hpp"

namespace logagent::test {

constexpr int killed = 1000;  // and the number of the signal

/// What `act` returns in a process of its own that was confined before: 0 or an errno, or how it
/// was killed. -1: the layer does not stand on this machine.
inline int confined(const os::confinement& needed, std::string_view layer,
                    const std::function<int()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto layers = os::confine(needed);
        const auto found =
            std::ranges::find_if(layers, [&](const auto& one) { return one.name == layer; });
        if (found == layers.end()) ::_exit(250);
        if (!found->active) ::_exit(251);
        ::_exit(act());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) return killed + WTERMSIG(status);
    REQUIRE(WEXITSTATUS(status) != 250);
    if (WEXITSTATUS(status) == 251) WARN("skipped: the kernel has no layer " << layer);
    return WEXITSTATUS(status) == 251 ? -1 : WEXITSTATUS(status);
}

inline int try_open(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
}

inline int errno_of(long result) {
    return result < 0 ? errno : 0;
}

/// Whether confined() gave `expected`, or the layer does not stand here.
inline bool is(int got, int expected) {
    INFO("got " << got);
    return got == -1 || got == expected;
}

}  // namespace logagent::test
