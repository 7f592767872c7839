#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

namespace logagent::os {

/// Brings a file or directory to the disk without holding the loop, by the kernel's own
/// asynchronous I/O: a plain fsync() on a busy disk takes tens of milliseconds to seconds.
///
/// Where the kernel refuses (old, or forbidden in a container) sync() is a plain fdatasync().
class aio_fsync {
public:
    explicit aio_fsync(boost::asio::any_io_executor executor, bool use_aio = true);
    ~aio_fsync();
    aio_fsync(const aio_fsync&) = delete;
    aio_fsync& operator=(const aio_fsync&) = delete;

    /// fdatasync of `fd`; returns 0 or an errno. One call at a time. When the caller is stopped the
    /// kernel still finishes, and `fd` may be closed at once.
    boost::asio::awaitable<int> sync(int fd);

private:
    struct implementation;
    std::unique_ptr<implementation> impl_;
};

}  // namespace logagent::os
