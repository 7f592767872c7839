#include "logagent/os/scratch_directory.hpp"

#include <stdlib.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <filesystem>

namespace logagent::os {

scratch_directory::scratch_directory(const std::string& parent, std::string_view name) {
    std::error_code failure;
    const auto real = std::filesystem::canonical(parent, failure);
    if (failure)
        throw boost::system::system_error{failure.value(), boost::system::system_category(),
                                          parent};
    path_ = real / (std::string{name} + "-XXXXXX");
    if (!::mkdtemp(path_.data()))
        throw boost::system::system_error{errno, boost::system::system_category(),
                                          parent + ": a directory there"};
}

scratch_directory::~scratch_directory() {
    std::error_code ignored;
    if (!kept_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace logagent::os
