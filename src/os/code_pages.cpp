#include "logagent/os/code_pages.hpp"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace logagent::os {

namespace {

bool traced() {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("TracerPid:")) return line.find_first_of("123456789") != line.npos;
    return false;
}

/// Segments that cannot be written to hold nothing but what is in the file. Those that were only
/// relocated and then protected are not among them.
int release(dl_phdr_info* program, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < program->dlpi_phnum; ++i) {
        const auto& segment = program->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W)) continue;
        const auto begin = program->dlpi_addr + segment.p_vaddr;
        const auto first = (begin + page - 1) / page * page;
        const auto last = (begin + segment.p_memsz) / page * page;
        if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    }
    return 1;  // the program itself comes first; others stay as they are
}

}  // namespace

void release_code_pages() {
    if (!traced()) ::dl_iterate_phdr(release, nullptr);
}

}  // namespace logagent::os
