#include "logagent/os/inotify.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

namespace asio = boost::asio;

namespace {

// Without IN_EXCL_UNLINK: late writes to a deleted file that its writer still holds open count too.
constexpr std::uint32_t watched = IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

inotify::change change_of(std::uint32_t mask) {
    if (mask & (IN_CREATE | IN_MOVED_TO)) return inotify::change::appeared;
    if (mask & (IN_DELETE | IN_MOVED_FROM)) return inotify::change::vanished;
    if (mask & IN_MODIFY) return inotify::change::written;
    return inotify::change::attributes;
}

}  // namespace

struct inotify::implementation {
    explicit implementation(const asio::any_io_executor& executor)
        : events_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)},
          gate_{executor, ::epoll_create1(EPOLL_CLOEXEC)} {
        epoll_event disarmed{};
        disarmed.events = EPOLLONESHOT;
        if (!events_ ||
            ::epoll_ctl(gate_.native_handle(), EPOLL_CTL_ADD, events_.get(), &disarmed) != 0)
            throw boost::system::system_error{errno, boost::system::system_category(), "inotify"};
    }

    int add(const std::string& directory) {
        return ::inotify_add_watch(events_.get(), directory.c_str(), watched);
    }

    /// Two names may lead to one directory (a link), and a name may lead to another one than
    /// before.
    int bind(const std::string& directory) {
        const int id = add(directory);
        if (id < 0) return errno;
        auto& known = directories_[directory];
        if (known.id != id) {
            if (known.id >= 0) unbind(known.id, directory);
            known.id = id;
            names_[id].push_back(directory);
        }
        return 0;
    }

    void unbind(int id, const std::string& directory) {
        const auto found = names_.find(id);
        if (found == names_.end()) return;
        std::erase(found->second, directory);
        if (!found->second.empty()) return;
        names_.erase(found);
        ::inotify_rm_watch(events_.get(), id);
    }

    /// The directory behind a watch is gone or has another name now.
    void end(int id, const handler& on_change) {
        const auto found = names_.find(id);
        if (found == names_.end()) return;  // the kernel's confirmation of our own removal
        const auto names = std::move(found->second);
        names_.erase(found);
        ::inotify_rm_watch(events_.get(), id);
        for (const auto& name : names)
            directories_.erase(name);
        for (const auto& name : names)
            on_change(change::unwatched, name, {});
    }

    /// The end of a watch may be among the lost events, so every watch is set once more.
    void recover(const handler& on_change) {
        std::vector<std::string> all;
        for (const auto& [directory, ignored] : directories_)
            all.push_back(directory);
        on_change(change::overflow, {}, {});
        for (const auto& directory : all) {
            const auto found = directories_.find(directory);
            if (found == directories_.end() || bind(directory) == 0) continue;
            unbind(found->second.id, directory);
            directories_.erase(found);
            on_change(change::unwatched, directory, {});
        }
    }

    void deliver(const inotify_event& event, const handler& on_change) {
        if (event.mask & IN_Q_OVERFLOW) return recover(on_change);
        if (event.mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF))
            return end(event.wd, on_change);
        const auto found = names_.find(event.wd);
        if (found == names_.end()) return;
        const std::string_view name = event.len > 0 ? event.name : std::string_view{};
        // The handler may add and remove watches, this one included: it gets copies.
        scratch_.resize(std::max(scratch_.size(), found->second.size()));
        const auto count = found->second.size();
        for (std::size_t i = 0; i < count; ++i)
            scratch_[i] = found->second[i];
        for (std::size_t i = 0; i < count; ++i)
            on_change(change_of(event.mask), scratch_[i], name);
    }

    /// Takes the next events out of the kernel; false = none.
    bool refill() {
        const auto got = ::read(events_.get(), buffer_, sizeof buffer_);
        begin_ = 0;
        end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
        return end_ > 0;
    }

    struct watch {
        int id = -1;
        std::size_t users = 0;
    };

    unique_fd events_;
    asio::posix::stream_descriptor gate_;  // the private epoll, owns it
    std::unordered_map<std::string, watch> directories_;
    std::unordered_map<int, std::vector<std::string>> names_;
    std::vector<std::string> scratch_;
    std::size_t begin_ = 0;  // of what is left in buffer_
    std::size_t end_ = 0;
    alignas(inotify_event) char buffer_[65536];
};

inotify::inotify(asio::any_io_executor executor)
    : impl_{std::make_unique<implementation>(executor)} {}

inotify::~inotify() = default;

int inotify::watch(const std::string& directory) {
    if (const int error = impl_->bind(directory)) {
        // Still counted by others, who learn of its end from the kernel.
        return error;
    }
    ++impl_->directories_[directory].users;
    return 0;
}

void inotify::unwatch(const std::string& directory) {
    const auto found = impl_->directories_.find(directory);
    if (found == impl_->directories_.end()) return;  // ended by itself
    if (--found->second.users > 0) return;
    const int id = found->second.id;
    const auto name = found->first;
    impl_->directories_.erase(found);
    impl_->unbind(id, name);
}

std::size_t inotify::watches() const noexcept {
    return impl_->names_.size();
}

asio::awaitable<void> inotify::wait() {
    if (impl_->begin_ < impl_->end_) co_return;
    epoll_event armed{};
    armed.events = EPOLLIN | EPOLLONESHOT;
    ::epoll_ctl(impl_->gate_.native_handle(), EPOLL_CTL_MOD, impl_->events_.get(), &armed);
    co_await impl_->gate_.async_wait(asio::posix::stream_descriptor::wait_read,
                                     asio::use_awaitable);
    // Taking the event disarms: from here on the kernel wakes nobody until the next wait().
    epoll_event taken{};
    ::epoll_wait(impl_->gate_.native_handle(), &taken, 1, 0);
}

bool inotify::read(const handler& on_change, std::size_t limit) {
    auto& impl = *impl_;
    for (std::size_t done = 0; done < limit; ++done) {
        if (impl.begin_ >= impl.end_ && !impl.refill()) return false;
        // The handler must not find a half-consumed event should it throw.
        const auto* event = reinterpret_cast<const inotify_event*>(impl.buffer_ + impl.begin_);
        impl.begin_ += sizeof(inotify_event) + event->len;
        impl.deliver(*event, on_change);
    }
    return true;
}

}  // namespace logagent::os
