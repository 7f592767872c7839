#include "logagent/os/durable_write.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

namespace {

int write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) return errno;
        if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

int write_temporary(const std::string& path, std::string_view bytes, bool durable) {
    ::unlink(path.c_str());
    const unique_fd fd{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd) return errno;
    if (const int error = write_all(fd.get(), bytes)) return error;
    return !durable || ::fsync(fd.get()) == 0 ? 0 : errno;
}

int replace(const std::string& path, std::string_view bytes, bool durable) {
    const auto temporary = path + ".new";
    if (const int error = write_temporary(temporary, bytes, durable)) {
        ::unlink(temporary.c_str());
        return error;
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return error;
    }
    return 0;
}

}  // namespace

int durable_write(const std::string& path, std::string_view bytes) {
    if (const int error = replace(path, bytes, true)) return error;
    const auto slash = path.rfind('/');
    const auto parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const unique_fd directory{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return directory && ::fsync(directory.get()) == 0 ? 0 : errno;
}

int atomic_write(const std::string& path, std::string_view bytes) {
    return replace(path, bytes, false);
}

}  // namespace logagent::os
