#include "logagent/os/state_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/system/system_error.hpp>
#include <cerrno>

namespace logagent::os {

namespace {

[[noreturn]] void fail(int error, const std::string& text) {
    throw boost::system::system_error{error, boost::system::system_category(), text};
}

void make_with_parents(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
        ::mkdir(path.substr(0, slash).c_str(), 0755);  // the last one tells what went wrong
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        fail(errno, "state_dir " + path + " cannot be made");
}

void close_to_others(const std::string& path) {
    struct ::stat status;
    if (::stat(path.c_str(), &status) != 0) fail(errno, "state_dir " + path);
    if (!S_ISDIR(status.st_mode)) fail(ENOTDIR, "state_dir " + path);
    if ((status.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0)
        fail(errno, "state_dir " + path + " is open to others and its mode cannot be changed");
}

std::string holder_of(int fd) {
    char text[32] = "";
    const auto got = ::pread(fd, text, sizeof text - 1, 0);
    std::string pid{text, got > 0 ? static_cast<std::size_t>(got) : 0};
    pid.resize(std::min(pid.find('\n'), pid.size()));
    return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

state_directory::state_directory(std::string path) : path_{std::move(path)} {
    while (path_.size() > 1 && path_.back() == '/')
        path_.pop_back();
    make_with_parents(path_);
    close_to_others(path_);
    lock_.reset(::open(file("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock_) fail(errno, "state_dir " + path_ + " cannot be written");

    struct flock whole {};
    whole.l_type = F_WRLCK;
    if (::fcntl(lock_.get(), F_OFD_SETLK, &whole) != 0) {
        if (errno != EAGAIN && errno != EACCES) fail(errno, "state_dir " + path_ + ": lock");
        fail(EBUSY, "state_dir " + path_ + " is in use by " + holder_of(lock_.get()));
    }
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock_.get(), 0) != 0 ||
        ::pwrite(lock_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        // A full disk: the lock holds all the same, only its text is missing.
    }
}

}  // namespace logagent::os
