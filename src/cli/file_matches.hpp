#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "logagent/fleet/log_target.hpp"
#include "logagent/os/disk.hpp"

namespace logagent::cli {

/// One path that a target reaches now.
struct file_match {
    std::string path;
    std::string log_path;  // of the target
    std::string topic;
    std::string service;
    os::file_status status;          // of the file, unless `refused`
    std::uint64_t start_offset = 0;  // where an agent begins that does not know the file yet
    std::string refused;             // why it is not collected; empty = it is
    bool missing = false;            // refused because it is not there: it is waited for

    bool collected() const { return refused.empty(); }
};

struct file_matches {
    std::vector<file_match> files;  // by path, then topic
    bool cut = false;               // there are more than the limit
};

/// Looks for what the targets reach. Of two targets that reach one path for one topic the more
/// exact one has it. `now_ms` is the wall clock, for ignore_older_s.
file_matches find_files(os::disk& disk, std::span<const fleet::log_target> targets,
                        std::int64_t now_ms, std::size_t limit = 20'000);

}  // namespace logagent::cli
