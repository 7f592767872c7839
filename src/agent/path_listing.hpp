#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "logagent/os/disk.hpp"

namespace logagent::agent {

/// The files that a glob reaches and that the local policy lets be read, found step by step.
/// Nothing is told of a file that may not be read, not even that it exists.
class path_listing {
public:
    static constexpr std::size_t most_entries = 100'000;  // of directories, looked at
    static constexpr std::size_t most_bytes = 512 << 10;  // of the answer

    /// `disk` must outlive it. `glob` is absolute.
    path_listing(os::disk& disk, std::string glob, std::size_t limit);

    /// Lists one directory, or looks at some files; false: that was all.
    bool step();

    /// `"paths":[{"path","size","modified"}],"more":false`: members for the answer.
    std::string members() const;
    std::size_t count() const noexcept { return count_; }
    bool more() const noexcept { return more_; }

private:
    void list(const std::string& directory);
    void consider(const std::string& path);

    os::disk& disk_;
    std::string glob_;
    std::size_t limit_;
    std::deque<std::string> directories_;
    std::deque<std::string> files_;  // reached, not looked at yet
    std::string found_;              // as elements of a JSON array
    std::size_t count_ = 0;
    std::size_t entries_ = 0;
    bool more_ = false;  // something was left out
};

}  // namespace logagent::agent
