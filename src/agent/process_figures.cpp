#include "agent/process_figures.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace logagent::agent {

namespace {

std::uint64_t resident_bytes() {
    std::ifstream file{"/proc/self/statm"};
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    if (!(file >> total >> resident)) return 0;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
    // Linux 6.2 and later tell the count as the size; before, each entry has to be looked at.
    struct stat status {};
    if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0)
        return static_cast<std::uint64_t>(status.st_size);
    DIR* const directory = ::opendir("/proc/self/fd");
    if (!directory) return 0;
    std::uint64_t count = 0;
    while (const dirent* const entry = ::readdir(directory))
        if (entry->d_name[0] != '.') ++count;
    ::closedir(directory);
    return count - 1;  // not the one that was just opened for counting
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

process_figures read_process_figures() {
    process_figures out;
    out.resident_bytes = resident_bytes();
    out.open_descriptors = open_descriptors();
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0)
        out.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
    return out;
}

}  // namespace logagent::agent
