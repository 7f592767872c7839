#pragma once

#include <string>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

/// Opens directories by a path that must not hold a link anywhere: what was judged by its name is
/// what gets opened, whoever renames things in between.
class real_open {
public:
    explicit real_open(bool use_openat2) : use_openat2_{use_openat2} {}

    /// An O_PATH descriptor of the directory, or an errno: ELOOP where a link stands in the path.
    int directory(const std::string& real_path, unique_fd& out);

private:
    static int walk(const std::string& real_path, unique_fd& out);

    bool use_openat2_;
};

}  // namespace logagent::os
