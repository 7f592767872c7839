#pragma once

#include <string>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

/// The directory that holds what must survive a restart, locked for this process.
///
/// The lock (open file description) ends with the object or the process, however it dies; its file
/// `lock` holds the pid of the holder, for people.
class state_directory {
public:
    /// Makes the directory (and its parents) with mode 0700, closes an existing one to others,
    /// takes the lock. Throws system_error with a text that says what to do: EBUSY with the pid
    /// where another process has it, or why it cannot be written.
    explicit state_directory(std::string path);

    const std::string& path() const noexcept { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
    unique_fd lock_;
};

}  // namespace logagent::os
