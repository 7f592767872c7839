#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "logagent/agent/settings.hpp"
#include "logagent/etcd/client.hpp"

namespace logagent::agent {

struct announcer_options {
    std::string key;                             // <prefix>_status/<host>
    std::string instance;                        // tells our own value from that of a namesake
    std::size_t most_bytes = 16'384;             // of a value; a larger one is not written
    std::chrono::milliseconds gather{500};       // between two values, also urgent ones
    std::chrono::milliseconds interval{30'000};  // between two values that nothing urgent brought
    std::chrono::milliseconds jitter{5'000};     // added to it at random, up to this
    std::chrono::milliseconds start_spread{1'000};  // the first lease is asked for within this
    std::chrono::seconds ttl{30};                   // of the lease
    std::uint64_t seed = 0;                         // 0 = a random one
};

/// The key of this host under settings.etcd_prefix().
std::string status_key(const settings& from, const std::string& host);

/// Keeps what this host reports in etcd, under a lease: gone soon after the agent is.
///
/// A configuration result is there within a second, all else at most twice a minute: etcd is no
/// store for metrics. While another agent holds the key, `<key>~<8 hex>` is held instead and the
/// problem says so.
class announcer {
public:
    /// `value` makes the JSON object to show, with "instance" in it; called on the loop.
    announcer(boost::asio::any_io_executor executor, etcd::client& etcd, announcer_options options,
              std::function<std::string()> value);
    ~announcer();

    /// A configuration result has changed: the value is made anew and written within a second.
    void notify();

    /// {code, text}: `duplicate_host`, `status_too_large`, or none.
    std::vector<std::pair<std::string, std::string>> problems() const;

    /// The key that is held now; empty if none.
    const std::string& held_key() const;

    /// Runs until stopped.
    boost::asio::awaitable<void> run();

    /// Takes the key away after run() has ended. Best effort.
    boost::asio::awaitable<void> release();

private:
    class speaker;
    std::unique_ptr<speaker> speaker_;
};

}  // namespace logagent::agent
