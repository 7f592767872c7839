#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "logagent/dns/resolver.hpp"

namespace logagent::dns {

/// What is known about each name, and until when. Pure: `now` is a parameter.
///
/// An answer is good for its TTL, at least 1 s and at most 60 s; a failure is remembered for 1 s
/// and leaves the addresses of the last success in place. Holds 1024 names; the oldest gives way.
class cache {
public:
    using clock = std::chrono::steady_clock;

    enum class knowledge {
        fresh,  // answer() can be given out
        old,    // answer() has addresses, but they should be looked up again
        none,   // look it up
    };

    knowledge look(const std::string& host, clock::time_point now) const;

    /// What look() judged: fresh addresses, stale ones with or without a failure, or a failure.
    answer known(const std::string& host, clock::time_point now) const;

    void succeeded(const std::string& host, std::vector<boost::asio::ip::address> addresses,
                   std::chrono::seconds ttl, clock::time_point now);
    void failed(const std::string& host, std::string failure, clock::time_point now);

private:
    struct entry {
        std::vector<boost::asio::ip::address> addresses;
        clock::time_point good_until;  // of the addresses
        clock::time_point ask_again;   // no look-up before this
        std::string failure;           // of the last look-up; empty = it succeeded
    };

    entry& slot(const std::string& host);

    std::map<std::string, entry> entries_;
};

}  // namespace logagent::dns
