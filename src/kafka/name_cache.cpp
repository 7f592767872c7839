#include "name_cache.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <new>

namespace logagent::kafka {

namespace asio = boost::asio;

namespace {

constexpr auto fresh_for = std::chrono::seconds{1};
constexpr std::size_t most_names = 4096;  // a cluster has as many brokers; bounds a broken one

/// One element of the list that librdkafka gets, address included.
struct node_address {
    addrinfo info{};
    sockaddr_storage address{};
};

addrinfo* make_element(const asio::ip::address& address, std::uint16_t port) noexcept {
    auto* element = new (std::nothrow) node_address;
    if (!element) return nullptr;
    if (address.is_v4()) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(element->address);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        const auto bytes = address.to_v4().to_bytes();
        std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
        element->info.ai_addrlen = sizeof v4;
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(element->address);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        const auto bytes = address.to_v6().to_bytes();
        std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
        v6.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
        element->info.ai_addrlen = sizeof v6;
    }
    element->info.ai_family = element->address.ss_family;
    element->info.ai_socktype = SOCK_STREAM;
    element->info.ai_protocol = IPPROTO_TCP;
    element->info.ai_addr = reinterpret_cast<sockaddr*>(&element->address);
    return &element->info;
}

int make_list(const std::vector<asio::ip::address>& addresses, std::uint16_t port, int family,
              addrinfo** result) noexcept {
    *result = nullptr;
    addrinfo** tail = result;
    for (const auto& address : addresses) {
        const int own = address.is_v4() ? AF_INET : AF_INET6;
        if (family != AF_UNSPEC && family != own) continue;
        *tail = make_element(address, port);
        if (!*tail) {
            name_cache::release(*result);
            return EAI_MEMORY;
        }
        tail = &(*tail)->ai_next;
    }
    return *result ? 0 : EAI_NONAME;
}

}  // namespace

name_cache::name_cache(name_lookup look_up, const notices& loop)
    : look_up_{std::move(look_up)}, loop_{loop}, known_{std::make_shared<const snapshot>()} {}

int name_cache::resolve(const char* node, const char* service, const addrinfo* hints,
                        addrinfo** result) const noexcept {
    std::uint16_t port = 0;
    const std::string_view digits = service ? service : "";
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failure != std::errc{} || end != digits.data() + digits.size()) return EAI_SERVICE;
    const int family = hints ? hints->ai_family : AF_UNSPEC;

    try {
        boost::system::error_code not_numeric;
        const auto numeric = asio::ip::make_address(node, not_numeric);
        if (!not_numeric) return make_list({numeric}, port, family, result);

        const auto known = known_.load();
        const auto found = known->find(std::string_view{node});
        if (found == known->end() || clock::now() - found->second.at > fresh_for)
            loop_.tell(notice, node);
        if (found == known->end()) return EAI_AGAIN;
        return make_list(found->second.addresses, port, family, result);
    } catch (...) {  // out of memory; nothing may leave into librdkafka's thread
        return EAI_MEMORY;
    }
}

void name_cache::release(addrinfo* list) noexcept {
    while (list) {
        auto* element = reinterpret_cast<node_address*>(list);
        list = list->ai_next;
        delete element;
    }
}

asio::awaitable<bool> name_cache::refresh(std::string host) {
    boost::system::error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    if (!not_numeric || !look_up_ || !pending_.insert(host).second) co_return false;
    std::vector<asio::ip::address> addresses;
    std::exception_ptr failure;
    try {
        addresses = co_await look_up_(host);
    } catch (...) {
        failure = std::current_exception();
    }
    pending_.erase(host);
    if (failure) std::rethrow_exception(failure);
    if (addresses.empty()) co_return false;

    auto next = std::make_shared<snapshot>(*known_.load());
    if (next->size() >= most_names && !next->contains(host)) next->clear();
    auto& known = (*next)[host];
    const bool changed = !std::is_permutation(known.addresses.begin(), known.addresses.end(),
                                              addresses.begin(), addresses.end());
    known.addresses = std::move(addresses);
    known.at = clock::now();
    known_.store(std::move(next));
    co_return changed;
}

}  // namespace logagent::kafka
