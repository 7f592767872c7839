#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace logagent::web {

/// Slows down whoever guesses: after five failures from one address each further one doubles a
/// wait, from 1 s to 60 s. Pure; forgets an address 15 minutes after its last failure, and the
/// oldest of 10,000.
class login_limiter {
public:
    using clock = std::chrono::steady_clock;

    /// How long this address has to wait before it may try again; 0 = it may.
    std::chrono::seconds wait(const std::string& address, clock::time_point now) const;

    void failed(const std::string& address, clock::time_point now);
    void succeeded(const std::string& address) { addresses_.erase(address); }

    std::size_t size() const noexcept { return addresses_.size(); }

private:
    struct record {
        unsigned failures = 0;
        clock::time_point last;
        clock::time_point free;  // may try again then
    };

    void forget_old(clock::time_point now);

    std::map<std::string, record> addresses_;
};

}  // namespace logagent::web
