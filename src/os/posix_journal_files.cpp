#include "logagent/os/posix_journal_files.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <boost/system/system_error.hpp>
#include <cerrno>

namespace logagent::os {

namespace asio = boost::asio;

namespace {

class appending_file final : public journal_files::file {
public:
    appending_file(unique_fd fd, aio_fsync& sync) : fd_{std::move(fd)}, sync_{sync} {}

    int append(std::span<const char> bytes) override {
        while (!bytes.empty()) {
            const auto written = ::write(fd_.get(), bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) return errno;
            if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        return 0;
    }

    int truncate(std::uint64_t size) override {
        return ::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0 ? 0 : errno;
    }

    int sync_now() override { return ::fdatasync(fd_.get()) == 0 ? 0 : errno; }

    asio::awaitable<int> sync() override { return sync_.sync(fd_.get()); }

private:
    unique_fd fd_;
    aio_fsync& sync_;
};

}  // namespace

posix_journal_files::posix_journal_files(asio::any_io_executor executor,
                                         const std::string& directory)
    : sync_{std::move(executor)},
      directory_{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
    if (!directory_)
        throw boost::system::system_error{errno, boost::system::system_category(),
                                          "open directory " + directory};
}

int posix_journal_files::open_with(const std::string& name, int flags, std::unique_ptr<file>& out) {
    unique_fd fd{::openat(directory_.get(), name.c_str(),
                          O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600)};
    if (!fd) return errno;
    out = std::make_unique<appending_file>(std::move(fd), sync_);
    return 0;
}

int posix_journal_files::create(const std::string& name, std::unique_ptr<file>& out) {
    // Not O_TRUNC: an old descriptor of the same name must not see the new content.
    if (const int error = remove(name); error != 0 && error != ENOENT) return error;
    return open_with(name, O_CREAT | O_EXCL, out);
}

int posix_journal_files::open(const std::string& name, std::unique_ptr<file>& out) {
    return open_with(name, 0, out);
}

int posix_journal_files::read(const std::string& name, std::string& out) {
    out.clear();
    const unique_fd fd{
        ::openat(directory_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct ::stat status;
    if (!fd || ::fstat(fd.get(), &status) != 0) return errno;
    if (!S_ISREG(status.st_mode)) return EINVAL;
    out.resize(static_cast<std::size_t>(status.st_size));
    for (std::size_t have = 0; have < out.size();) {
        const auto got =
            ::pread(fd.get(), out.data() + have, out.size() - have, static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) out.resize(have);
        have += static_cast<std::size_t>(got);
    }
    return 0;
}

int posix_journal_files::rename(const std::string& from, const std::string& to) {
    return ::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) == 0 ? 0
                                                                                         : errno;
}

int posix_journal_files::remove(const std::string& name) {
    return ::unlinkat(directory_.get(), name.c_str(), 0) == 0 ? 0 : errno;
}

int posix_journal_files::sync_directory_now() {
    return ::fsync(directory_.get()) == 0 ? 0 : errno;
}

asio::awaitable<int> posix_journal_files::sync_directory() {
    return sync_.sync(directory_.get());
}

}  // namespace logagent::os
