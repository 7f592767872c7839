#include "logagent/os/secret_file.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

namespace {

constexpr std::size_t most = 65536;

std::string_view first_line(std::string_view text) {
    text = text.substr(0, text.find('\n'));
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

secret_file read_regular(const std::string& path, bool whole);

}  // namespace

secret& secret::operator=(secret&& other) noexcept {
    if (this != &other) {
        wipe();
        bytes_ = std::move(other.bytes_);
    }
    return *this;
}

void secret::wipe() noexcept {
    if (!bytes_.empty()) ::explicit_bzero(bytes_.data(), bytes_.size());
}

secret_file read_secret_file(const std::string& path) {
    return read_regular(path, false);
}

secret_file read_secret_text(const std::string& path) {
    return read_regular(path, true);
}

namespace {

secret_file read_regular(const std::string& path, bool whole) {
    secret_file out;
    const unique_fd fd{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    struct ::stat status;
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        out.error = path + ": " + std::strerror(errno);
        return out;
    }
    if (!S_ISREG(status.st_mode)) {
        out.error = path + " is not a regular file";
        return out;
    }
    if ((status.st_mode & 077) != 0) out.warning = path + " can be read by others; chmod 600 it";

    // One buffer of the final size: a growing one would leave copies behind.
    std::vector<char> bytes(most + 1);
    std::size_t size = 0;
    for (ssize_t got; size < bytes.size() &&
                      (got = ::read(fd.get(), bytes.data() + size, bytes.size() - size)) > 0;)
        size += static_cast<std::size_t>(got);
    secret value{std::move(bytes)};  // wipes whatever comes below
    if (size > most) {
        out.error = path + " is larger than 64 KiB";
        return out;
    }
    std::string_view text = value.text().substr(0, size);
    if (!whole) text = first_line(text);
    out.value = secret{std::vector<char>{text.begin(), text.end()}};
    return out;
}

}  // namespace

}  // namespace logagent::os
