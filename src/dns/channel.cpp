#include "dns/channel.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace logagent::dns {

namespace asio = boost::asio;

namespace {

std::optional<asio::ip::address> address_of(const ares_addrinfo_node& node) {
    if (node.ai_family == AF_INET) {
        sockaddr_in from;
        std::memcpy(&from, node.ai_addr, sizeof from);
        return asio::ip::address_v4{ntohl(from.sin_addr.s_addr)};
    }
    if (node.ai_family == AF_INET6) {
        sockaddr_in6 from;
        std::memcpy(&from, node.ai_addr, sizeof from);
        asio::ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &from.sin6_addr, bytes.size());
        return asio::ip::address_v6{bytes, from.sin6_scope_id};
    }
    return std::nullopt;
}

channel::outcome read(int status, const ares_addrinfo* found) {
    channel::outcome result;
    result.aborted = status == ARES_EDESTRUCTION;
    if (status == ARES_SUCCESS && found != nullptr) {
        auto ttl = std::numeric_limits<int>::max();
        for (const auto* node = found->nodes; node != nullptr; node = node->ai_next) {
            const auto address = address_of(*node);
            if (!address) continue;
            ttl = std::min(ttl, node->ai_ttl);
            if (std::ranges::find(result.addresses, *address) == result.addresses.end())
                result.addresses.push_back(*address);
        }
        result.ttl = std::chrono::seconds{std::max(ttl, 0)};
    }
    if (result.addresses.empty())
        result.failure =
            status == ARES_SUCCESS ? "no address in the answer" : ares_strerror(status);
    return result;
}

}  // namespace

/// A socket of c-ares while it is watched. c-ares closes it, so the descriptor is only lent to the
/// loop.
struct channel::socket {
    socket(const asio::any_io_executor& executor, ares_socket_t number)
        : descriptor{executor, number}, fd{number} {}

    void let_go() {
        open = want_read = want_write = false;
        descriptor.cancel();
        descriptor.release();
    }

    asio::posix::stream_descriptor descriptor;
    ares_socket_t fd;
    bool open = true;
    bool want_read = false;
    bool want_write = false;
    bool reading = false;  // a wait is under way
    bool writing = false;
};

channel::channel(asio::any_io_executor executor, const resolver_options& options)
    : executor_{executor}, timer_{std::move(executor)}, self_{std::make_shared<channel*>(this)} {
    ares_options wanted{};
    wanted.timeout = static_cast<int>(options.try_timeout.count());
    wanted.tries = options.tries;
    wanted.udp_port = options.port;
    wanted.tcp_port = options.port;
    std::string path = options.resolv_conf;
    wanted.resolvconf_path = path.data();
    wanted.sock_state_cb_data = this;
    wanted.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) noexcept {
        static_cast<channel*>(self)->socket_changed(fd, readable != 0, writable != 0);
    };
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT |
                     ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
    int status = ares_init_options(&channel_, &wanted, mask);
    if (status == ARES_SUCCESS && !options.servers.empty())
        status = ares_set_servers_ports_csv(channel_, options.servers.c_str());
    if (status != ARES_SUCCESS) broken_ = ares_strerror(status);
}

channel::~channel() {
    *self_ = nullptr;
    if (channel_ != nullptr) ares_destroy(channel_);
    for (auto& [fd, which] : sockets_)
        which->let_go();
}

void channel::look_up(const std::string& host, done finished) {
    if (!broken_.empty()) {
        outcome failed;
        failed.failure = broken_;
        finished(std::move(failed));
        return;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    // No service name: it would be looked up through getservbyname and so through NSS.
    ares_getaddrinfo(
        channel_, host.c_str(), nullptr, &hints,
        [](void* argument, int status, int, ares_addrinfo* found) noexcept {
            const std::unique_ptr<done> caller{static_cast<done*>(argument)};
            outcome result = read(status, found);
            if (found != nullptr) ares_freeaddrinfo(found);
            (*caller)(std::move(result));
        },
        new done{std::move(finished)});
    arm_timer();
}

void channel::socket_changed(ares_socket_t fd, bool readable, bool writable) {
    auto found = sockets_.find(fd);
    if (!readable && !writable) {
        if (found == sockets_.end()) return;
        found->second->let_go();
        sockets_.erase(found);
        return;
    }
    if (found == sockets_.end())
        found = sockets_.emplace(fd, std::make_shared<socket>(executor_, fd)).first;
    const auto which = found->second;
    which->want_read = readable;
    which->want_write = writable;
    if (readable && !which->reading) wait_readable(which);
    if (writable && !which->writing) wait_writable(which);
}

void channel::wait_readable(const std::shared_ptr<socket>& which) {
    which->reading = true;
    which->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                 [self = self_, which](boost::system::error_code) {
                                     which->reading = false;
                                     if (*self == nullptr || !which->open) return;
                                     (*self)->process(which->fd, ARES_SOCKET_BAD);
                                     if (*self != nullptr && which->open && which->want_read)
                                         (*self)->wait_readable(which);
                                 });
}

void channel::wait_writable(const std::shared_ptr<socket>& which) {
    which->writing = true;
    which->descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                                 [self = self_, which](boost::system::error_code) {
                                     which->writing = false;
                                     if (*self == nullptr || !which->open) return;
                                     (*self)->process(ARES_SOCKET_BAD, which->fd);
                                     if (*self != nullptr && which->open && which->want_write)
                                         (*self)->wait_writable(which);
                                 });
}

void channel::process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
    arm_timer();
}

void channel::arm_timer() {
    timeval left{};
    if (ares_timeout(channel_, nullptr, &left) == nullptr) {
        timer_.cancel();
        return;
    }
    timer_.expires_after(std::chrono::seconds{left.tv_sec} +
                         std::chrono::microseconds{left.tv_usec});
    timer_.async_wait([self = self_](boost::system::error_code cancelled) {
        if (!cancelled && *self != nullptr) (*self)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    });
}

}  // namespace logagent::dns
