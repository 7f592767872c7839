#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

/// Which paths lie on a file system that can hang, known without touching it: a stat() of a dead
/// NFS mount never returns, and a look at an automounter's directory starts a mount.
class mount_table {
public:
    struct mount {
        std::string point;
        std::string file_system;
        bool hangs = false;
    };

    /// Mounts in the order of the kernel's text (proc(5), mountinfo); a later one covers an earlier
    /// one.
    static std::vector<mount> parse(std::string_view mountinfo);

    /// The mount that holds a normalised absolute path; null where none is known.
    static const mount* holding(const std::vector<mount>& mounts, std::string_view path);

    mount_table();

    /// The file system's name if `path` lies on one that can hang, else empty. Reads the table
    /// again when the kernel says that it has changed.
    std::string hanging(std::string_view path);

    /// Whether there is any such mount now.
    bool any_hangs();

private:
    void refresh();

    unique_fd fd_;
    std::vector<mount> mounts_;
    bool any_hangs_ = false;
};

}  // namespace logagent::os
