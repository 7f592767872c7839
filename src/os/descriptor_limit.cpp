#include "logagent/os/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace logagent::os {

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    rlimit raised{limit.rlim_max, limit.rlim_max};
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

bool leaves_spare_descriptors(int descriptor) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return true;
    const auto spare = std::min<rlim_t>(64, limit.rlim_cur / 3);
    return static_cast<rlim_t>(descriptor) < limit.rlim_cur - spare;
}

}  // namespace logagent::os
