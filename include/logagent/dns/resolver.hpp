#pragma once

// Names to addresses on the loop itself: c-ares instead of getaddrinfo, so there is no hidden
// thread, no blocking call and nothing loaded at run time (a static binary must not load NSS
// modules).

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace logagent::dns {

/// What is known about a host name.
struct answer {
    std::vector<boost::asio::ip::address> addresses;  // best first; empty: see `failure`
    std::chrono::seconds ttl{0};  // how long the addresses may be used, 1 s to 60 s
    bool stale =
        false;  // the addresses are old ones: the last look-up failed or is still under way
    std::string failure;  // one sentence naming the host; set when `addresses` is empty or `stale`
};

/// Where names come from. The defaults are the system's; tests bring their own name server.
struct resolver_options {
    std::string
        servers;  // "ip:port,ip:port" instead of those of `resolv_conf`; empty = resolv_conf
    std::string resolv_conf = "/etc/resolv.conf";  // a change of it is noticed when a name is asked
    std::chrono::milliseconds look_again{1000};   // ... but it is looked at no more often than this
    std::uint16_t port = 53;                      // of the servers that resolv_conf names
    std::chrono::milliseconds try_timeout{1000};  // for one question to one server
    int tries = 2;                                // questions to each server
    std::chrono::milliseconds stale_after{500};   // old addresses are given out after this wait
};

/// Resolves host names with a cache (1 s to 60 s, by TTL). Numeric addresses are answered without
/// any look-up; /etc/hosts and the search domains of resolv.conf hold. When a refresh fails, the
/// old addresses stay in use. Must outlive the coroutines that wait in resolve().
class resolver {
public:
    using clock = std::chrono::steady_clock;

    explicit resolver(boost::asio::any_io_executor executor, resolver_options options = {});
    ~resolver();
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    /// The addresses of `host`, at `deadline` at the latest. Never fails with an exception but for
    /// the stop of the calling task. Equal questions that are asked at the same time share one
    /// look-up.
    boost::asio::awaitable<answer> resolve(std::string host, clock::time_point deadline);

private:
    class lookups;
    std::unique_ptr<lookups> lookups_;
};

}  // namespace logagent::dns
