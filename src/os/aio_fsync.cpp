#include "logagent/os/aio_fsync.hpp"

#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace logagent::os {

namespace asio = boost::asio;

namespace {

int sync_inline(int fd) {
    while (::fdatasync(fd) != 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

}  // namespace

struct aio_fsync::implementation {
    explicit implementation(const asio::any_io_executor& executor) : done_{executor} {}

    ~implementation() { close(); }

    bool open() {
        // A few events: syncs whose caller was stopped may still be under way.
        if (::syscall(SYS_io_setup, 16, &context_) != 0) return false;
        const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (fd < 0) return false;
        done_.assign(fd);
        return true;
    }

    void close() {
        if (context_) ::syscall(SYS_io_destroy, context_);
        context_ = 0;
    }

    bool submit(int fd) {
        iocb request{};
        request.aio_data = ++last_;
        request.aio_lio_opcode = IOCB_CMD_FDSYNC;
        request.aio_fildes = static_cast<std::uint32_t>(fd);
        request.aio_flags = IOCB_FLAG_RESFD;
        request.aio_resfd = static_cast<std::uint32_t>(done_.native_handle());
        iocb* requests[] = {&request};
        return ::syscall(SYS_io_submit, context_, 1, requests) == 1;
    }

    /// Looks whether the last request is done; the ends of older ones are dropped.
    bool take(int& error) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(done_.native_handle(), &count, sizeof count);
        io_event event{};
        timespec at_once{};
        bool found = false;
        while (::syscall(SYS_io_getevents, context_, 0, 1, &event, &at_once) == 1) {
            if (event.data != last_) continue;
            error = event.res < 0 ? static_cast<int>(-event.res) : 0;
            found = true;
        }
        return found;
    }

    asio::posix::stream_descriptor done_;  // the eventfd, owned
    aio_context_t context_ = 0;
    std::uint64_t last_ = 0;  // number of the newest request
};

aio_fsync::aio_fsync(asio::any_io_executor executor, bool use_aio) {
    if (!use_aio) return;
    impl_ = std::make_unique<implementation>(executor);
    if (!impl_->open()) impl_.reset();
}

aio_fsync::~aio_fsync() = default;

asio::awaitable<int> aio_fsync::sync(int fd) {
    // EINVAL: this file system has no asynchronous one. EAGAIN: no room for a further request.
    if (!impl_ || !impl_->submit(fd)) co_return sync_inline(fd);
    int error = 0;
    while (!impl_->take(error))
        co_await impl_->done_.async_wait(asio::posix::stream_descriptor::wait_read,
                                         asio::use_awaitable);
    co_return error;
}

}  // namespace logagent::os
