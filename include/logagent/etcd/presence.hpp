#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "logagent/etcd/client.hpp"

namespace logagent::etcd {

struct presence_options {
    std::string key;
    std::string other_key;  // held instead while somebody else holds `key`; empty = then hold none
    std::function<bool(std::string_view value)>
        ours;                      // whether a value found there is of this
                                   // instance, from a run that ended without a stop
    std::chrono::seconds ttl{30};  // of the lease; renewed after a third of it
    std::chrono::milliseconds first_retry{100};
    std::chrono::milliseconds longest_retry{10'000};
    std::uint64_t seed = 0;
};

/// Holds one key under a lease for as long as this program lives: taken only if it is free or ours,
/// renewed, taken again after a loss, and given back at the end.
class presence {
public:
    enum class state {
        absent,     // not held (yet): see text()
        held,       // `key` is ours
        duplicate,  // somebody else holds `key`; `other_key` is held if there is one
    };

    /// `changed` is called on the loop after state() or text() has changed; may be empty.
    presence(boost::asio::any_io_executor executor, client& etcd, presence_options options,
             std::function<void()> changed = {});
    ~presence();

    /// The value to show. Written at once if the key is held, so the caller limits how often it
    /// calls.
    void show(std::string value);

    state now() const;
    /// The key that is held; empty if none.
    const std::string& held_key() const;
    /// One line: the last failure, or who holds the key; empty if all is well.
    const std::string& text() const;

    /// Runs until stopped. Nothing is written before the first show().
    boost::asio::awaitable<void> run();

    /// Gives the key back after run() has ended, so that others see the end at once. Best effort.
    boost::asio::awaitable<void> release();

private:
    class holder;
    std::unique_ptr<holder> holder_;
};

}  // namespace logagent::etcd
