#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "logagent/base/error.hpp"

namespace logagent::fleet {

/// One IPv4 or IPv6 address. IPv4 comes before IPv6, then numbers decide.
struct ip_address {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};  // network order; the first 4 of them for IPv4

    auto operator<=>(const ip_address&) const = default;
};

/// Reads an address; an IPv4 one in IPv6 form (`::ffff:10.0.0.1`) is the IPv4 one.
std::optional<ip_address> parse_address(std::string_view text);

/// The one way an address is written (RFC 5952 for IPv6).
std::string to_text(const ip_address& address);

/// The addresses that share their first `bits` bits.
struct ip_network {
    ip_address first;
    unsigned bits = 0;

    ip_address last() const;
    bool contains(const ip_address& address) const;
};

/// Reads `10.0.0.0/8`, `fd00::/8`, or an address alone, which is a network of one. Code "cidr"; a
/// network with bits beyond its length is refused, and the text says which one was probably meant.
base::result<ip_network> parse_network(std::string_view text);

}  // namespace logagent::fleet
