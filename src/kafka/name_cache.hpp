#pragma once

#include <netdb.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/kafka/live_producer.hpp"
#include "notices.hpp"

namespace logagent::kafka {

/// Answers librdkafka's questions for addresses, on its threads, without ever waiting.
///
/// The answers are an immutable snapshot behind an atomic pointer, the one place of the program
/// that two threads share. A name that is not in it, or whose answer is more than a second old, is
/// told to the loop, which looks it up; librdkafka asks again with every connection attempt.
class name_cache {
public:
    using clock = std::chrono::steady_clock;

    /// The kind of notice that names a host to look up.
    static constexpr char notice = 'N';

    name_cache(name_lookup look_up, const notices& loop);

    /// As getaddrinfo, for `node` and a numeric `service`; hints but the family are ignored. From
    /// any thread. EAI_AGAIN = not known yet. The result is freed with release().
    int resolve(const char* node, const char* service, const addrinfo* hints,
                addrinfo** result) const noexcept;
    static void release(addrinfo* list) noexcept;

    /// Looks `host` up and publishes the answer; a failed look-up keeps the old one. Returns
    /// whether the known addresses changed. A second call while one is under way returns false at
    /// once.
    boost::asio::awaitable<bool> refresh(std::string host);

private:
    struct entry {
        std::vector<boost::asio::ip::address> addresses;
        clock::time_point at;
    };
    using snapshot = std::map<std::string, entry, std::less<>>;

    name_lookup look_up_;
    const notices& loop_;
    std::atomic<std::shared_ptr<const snapshot>> known_;
    std::set<std::string> pending_;  // being looked up; the loop's own
};

}  // namespace logagent::kafka
