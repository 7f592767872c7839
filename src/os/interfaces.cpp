#include "logagent/os/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

namespace logagent::os {

namespace {

using address_bytes = std::array<std::uint8_t, 16>;

bool global_ipv4(const address_bytes& a) {
    const bool loopback = a[0] == 127;
    const bool link_local = a[0] == 169 && a[1] == 254;
    return a[0] != 0 && !loopback && !link_local && a[0] < 224;  // above: multicast, reserved
}

bool global_ipv6(const address_bytes& a) {
    const bool link_local = a[0] == 0xFE && (a[1] & 0xC0) == 0x80;
    const bool multicast = a[0] == 0xFF;
    // ::, ::1 and the addresses that only wrap an IPv4 one begin with eighty zero bits.
    const bool wrapped =
        std::all_of(a.begin(), a.begin() + 10, [](auto byte) { return byte == 0; });
    return !link_local && !multicast && !wrapped;
}

bool has_prefix(std::string_view name, std::initializer_list<std::string_view> prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::string interface_address::text() const {
    char out[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out);
    return out;
}

interface_address::type interface_kind(const std::string& name, const std::string& sysfs) {
    const auto exists = [&](const char* entry) {
        return ::access((sysfs + "/" + name + "/" + entry).c_str(), F_OK) == 0;
    };
    // The names decide where /sys is not to be seen, as in some containers.
    if (exists("bridge") || has_prefix(name, {"docker", "br-", "virbr", "cni", "lxcbr", "lxdbr"}))
        return interface_address::type::bridge;
    if (exists("tun_flags") || has_prefix(name, {"tun", "tap"}))
        return interface_address::type::tunnel;
    if (has_prefix(name, {"veth"})) return interface_address::type::veth;
    return interface_address::type::ordinary;
}

std::vector<interface_address> interface_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner{list, ::freeifaddrs};
    std::vector<interface_address> out;
    for (const auto* entry = list; entry; entry = entry->ifa_next) {
        if (!entry->ifa_addr) continue;
        interface_address found;
        if (entry->ifa_addr->sa_family == AF_INET) {
            sockaddr_in address;
            std::memcpy(&address, entry->ifa_addr, sizeof address);
            std::memcpy(found.bytes.data(), &address.sin_addr, 4);
        } else if (entry->ifa_addr->sa_family == AF_INET6) {
            sockaddr_in6 address;
            std::memcpy(&address, entry->ifa_addr, sizeof address);
            std::memcpy(found.bytes.data(), &address.sin6_addr, 16);
            found.ipv6 = true;
        } else {
            continue;
        }
        found.interface = entry->ifa_name;
        found.kind = interface_kind(found.interface, "/sys/class/net");
        out.push_back(std::move(found));
    }
    return out;
}

std::vector<std::string> usable_addresses(const std::vector<interface_address>& found,
                                          address_selection selection) {
    std::vector<const interface_address*> chosen;
    for (const auto& address : found) {
        const bool global = address.ipv6 ? global_ipv6(address.bytes) : global_ipv4(address.bytes);
        const bool wanted = selection == address_selection::all ||
                            address.kind == interface_address::type::ordinary;
        if (global && wanted) chosen.push_back(&address);
    }
    const auto order = [](const auto* address) { return std::pair{address->ipv6, address->bytes}; };
    std::ranges::sort(chosen, {}, order);
    std::vector<std::string> out;
    for (const auto* address : chosen) {
        auto text = address->text();
        if (out.empty() || out.back() != text) out.push_back(std::move(text));
    }
    return out;
}

}  // namespace logagent::os
