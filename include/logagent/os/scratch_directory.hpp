#pragma once

#include <string>
#include <string_view>

namespace logagent::os {

/// A new directory that only we may enter; gone at the end with everything in it, unless it is
/// kept.
class scratch_directory {
public:
    /// Makes `parent`/`name`-XXXXXX. Throws boost::system::system_error.
    scratch_directory(const std::string& parent, std::string_view name);
    ~scratch_directory();
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;

    /// Links resolved.
    const std::string& path() const noexcept { return path_; }
    void keep() noexcept { kept_ = true; }

private:
    std::string path_;
    bool kept_ = false;
};

}  // namespace logagent::os
