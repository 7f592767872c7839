#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace logagent::os {

/// One address of one network interface.
struct interface_address {
    /// What the interface is for. In a container eth0 is one end of a veth pair and still the
    /// container's own interface, so veth goes by the name that hosts give to their end.
    enum class type : std::uint8_t { ordinary, bridge, veth, tunnel };

    std::string interface;
    type kind = type::ordinary;
    bool ipv6 = false;
    std::array<std::uint8_t, 16> bytes{};  // network order; 4 of them for IPv4

    std::string text() const;
};

enum class address_selection : std::uint8_t {
    automatic,  // without bridges, veth, tunnels
    all,        // those too
};

/// Every address of this host now, loopback included. Empty where the kernel does not tell.
std::vector<interface_address> interface_addresses();

/// The global-unicast ones (private networks included; no loopback, link-local, multicast), as
/// text, IPv4 before IPv6, in numeric order, each once.
std::vector<std::string> usable_addresses(const std::vector<interface_address>& found,
                                          address_selection selection);

/// What kind an interface is; `sysfs` is /sys/class/net outside tests.
interface_address::type interface_kind(const std::string& name, const std::string& sysfs);

}  // namespace logagent::os
