#pragma once

#include <memory>

#include "logagent/os/disk.hpp"
#include "logagent/os/path_policy.hpp"

namespace logagent::os {

/// The real file systems of this host, under the local path policy.
///
/// open() resolves links itself, hop by hop, and asks the policy for each hop; the file is then
/// opened by its real path with no link allowed anywhere in it, so that a link put there in between
/// fails instead of leading elsewhere. Nothing here waits for another process: FIFOs and devices
/// are refused before they are opened, a lease of the owner is `busy`, and a file system that can
/// hang (network, FUSE, automounter) is recognised from the mount table before it is touched.
class posix_disk final : public disk {
public:
    struct settings {
        path_policy policy;
        bool allow_hardlinks = false;
        bool allow_network_fs = false;
        bool use_openat2 = true;  // false: as on kernels before 5.6
    };

    explicit posix_disk(settings chosen);
    ~posix_disk() override;

    opened open(std::string_view path, bool trusted) override;
    /// EREMOTE: on a file system that may hang and is not allowed. The inode generation is not
    /// filled in here, since it needs an open file.
    int status(std::string_view path, file_status& out) override;
    int list(std::string_view directory, std::vector<entry>& out) override;
    bool allowed(std::string_view path, bool trusted) const override;

private:
    struct implementation;
    std::unique_ptr<implementation> impl_;
};

}  // namespace logagent::os
