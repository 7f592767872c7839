#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace logagent::test {

/// A fresh directory, without links in its path; gone with everything in it at the end of the
/// scope.
class temporary_directory {
public:
    temporary_directory() {
        std::string name = std::filesystem::canonical(std::filesystem::temp_directory_path()) /
                           "logagent-test-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error{"mkdtemp " + name};
        path_ = name;
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string{name}; }

    /// Makes a file, directories included, and returns its path.
    std::string file(std::string_view name, std::string_view content = "") const {
        const auto path = *this / name;
        std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
        std::ofstream{path, std::ios::binary} << content;
        return path;
    }

private:
    std::string path_;
};

}  // namespace logagent::test
