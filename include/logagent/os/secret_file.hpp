#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logagent::os {

/// A password or token out of a file of its own; its memory is wiped at the end.
class secret {
public:
    secret() = default;
    explicit secret(std::vector<char> bytes) noexcept : bytes_{std::move(bytes)} {}
    secret(secret&& other) noexcept = default;
    secret& operator=(secret&& other) noexcept;
    ~secret() { wipe(); }

    /// Never log it.
    std::string_view text() const noexcept { return {bytes_.data(), bytes_.size()}; }

private:
    void wipe() noexcept;

    std::vector<char> bytes_;
};

struct secret_file {
    secret value;         // without its line end
    std::string warning;  // not empty: others can read the file
    std::string error;    // not empty: it could not be read, value is empty
};

/// Reads the first line of a regular file of at most 64 KiB. Never waits, whatever the path names.
secret_file read_secret_file(const std::string& path);

/// The same with all that the file holds, as a key in PEM needs.
secret_file read_secret_text(const std::string& path);

}  // namespace logagent::os
