#include "dns/cache.hpp"

#include <algorithm>

namespace logagent::dns {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_names = 1024;

}  // namespace

cache::knowledge cache::look(const std::string& host, clock::time_point now) const {
    const auto found = entries_.find(host);
    if (found == entries_.end()) return knowledge::none;
    if (now < found->second.ask_again) return knowledge::fresh;
    return found->second.addresses.empty() ? knowledge::none : knowledge::old;
}

answer cache::known(const std::string& host, clock::time_point now) const {
    answer result;
    const auto found = entries_.find(host);
    if (found == entries_.end()) return result;
    const entry& known = found->second;
    result.addresses = known.addresses;
    result.failure = known.failure;
    result.stale = !known.addresses.empty() && now >= known.good_until;
    result.ttl = std::chrono::ceil<std::chrono::seconds>(
        std::max<clock::duration>(known.ask_again - now, 1s));
    return result;
}

void cache::succeeded(const std::string& host, std::vector<boost::asio::ip::address> addresses,
                      std::chrono::seconds ttl, clock::time_point now) {
    entry& known = slot(host);
    known.addresses = std::move(addresses);
    known.good_until = known.ask_again = now + std::clamp<std::chrono::seconds>(ttl, 1s, 60s);
    known.failure.clear();
}

void cache::failed(const std::string& host, std::string failure, clock::time_point now) {
    entry& known = slot(host);
    known.ask_again = now + 1s;
    known.failure = std::move(failure);
}

cache::entry& cache::slot(const std::string& host) {
    if (entries_.size() >= most_names && !entries_.contains(host)) {
        const auto oldest = std::min_element(
            entries_.begin(), entries_.end(),
            [](const auto& a, const auto& b) { return a.second.ask_again < b.second.ask_again; });
        entries_.erase(oldest);
    }
    return entries_[host];
}

}  // namespace logagent::dns
