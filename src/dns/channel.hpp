#pragma once

#include <ares.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "logagent/dns/resolver.hpp"

namespace logagent::dns {

/// One set of name servers: c-ares with its sockets and its timer on the loop.
class channel {
public:
    struct outcome {
        std::vector<boost::asio::ip::address> addresses;
        std::chrono::seconds ttl{0};
        std::string failure;   // empty = addresses are there
        bool aborted = false;  // the channel was destroyed meanwhile
    };
    using done = std::function<void(outcome)>;

    channel(boost::asio::any_io_executor executor, const resolver_options& options);

    /// Ends every look-up under way with outcome::aborted.
    ~channel();
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    /// Calls `finished` once, maybe before it returns. It must not destroy the channel.
    void look_up(const std::string& host, done finished);

private:
    struct socket;

    void socket_changed(ares_socket_t fd, bool readable, bool writable);
    void wait_readable(const std::shared_ptr<socket>& which);
    void wait_writable(const std::shared_ptr<socket>& which);
    void process(ares_socket_t readable, ares_socket_t writable);
    void arm_timer();

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer timer_;  // when c-ares wants to try again or to give up
    ares_channel channel_ = nullptr;
    std::map<ares_socket_t, std::shared_ptr<socket>> sockets_;
    std::shared_ptr<channel*> self_;  // a handler that runs after the destructor finds null
    std::string broken_;              // why there is no channel_
};

}  // namespace logagent::dns
