#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace logagent::os {

/// Directory watches as a stream of (directory, name): hints that something changed there.
///
/// The inotify descriptor sits in a private epoll with EPOLLONESHOT and only that epoll is known to
/// Asio: Asio's own registration wakes the loop for every single event, which costs 20 times the
/// context switches on trickle (measured, 2000 events/s, 20 ms window).
class inotify {
public:
    enum class change : std::uint8_t {
        written,     // data or size changed
        appeared,    // created or moved in
        vanished,    // deleted or moved away
        attributes,  // permissions, owner
        unwatched,  // the directory itself is gone or unmounted: its watch has ended, name is empty
        overflow,   // events were lost: look at everything; directory and name are empty
    };
    using handler = std::function<void(change, std::string_view directory, std::string_view name)>;

    explicit inotify(boost::asio::any_io_executor executor);
    ~inotify();
    inotify(const inotify&) = delete;
    inotify& operator=(const inotify&) = delete;

    /// Watches a directory; counted, so that every watch() needs its unwatch(). Returns 0 or an
    /// errno: ENOSPC = no watches left, poll instead.
    int watch(const std::string& directory);
    void unwatch(const std::string& directory);

    std::size_t watches() const noexcept;

    /// Returns when events are queued; further events do not wake anybody until read() was called.
    boost::asio::awaitable<void> wait();

    /// Reads what is queued and calls `on_change` for each; at most `limit` events, so that the
    /// loop is not held. Returns whether more may be queued.
    bool read(const handler& on_change, std::size_t limit = 4096);

private:
    struct implementation;
    std::unique_ptr<implementation> impl_;
};

}  // namespace logagent::os
