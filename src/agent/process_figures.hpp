#pragma once

#include <cstdint>

namespace logagent::agent {

/// What the kernel says about this process; 0 where it does not say.
struct process_figures {
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_descriptors = 0;
    double cpu_seconds = 0;
};

process_figures read_process_figures();

}  // namespace logagent::agent
