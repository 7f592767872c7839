#include "logagent/fleet/address.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::fleet {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

unsigned most_bits(const ip_address& address) {
    return address.v6 ? 128 : 32;
}

/// The address with every bit after the first `bits` set to `value`.
ip_address filled(ip_address address, unsigned bits, bool value) {
    for (unsigned i = bits; i < most_bits(address); ++i) {
        const auto mask = static_cast<std::uint8_t>(0x80u >> (i % 8));
        auto& byte = address.bytes[i / 8];
        byte = static_cast<std::uint8_t>(value ? byte | mask : byte & ~mask);
    }
    return address;
}

base::problem not_a_network(std::string_view text, const std::string& why) {
    return {"cidr", "'" + base::visible(text, 64) + "' " + why +
                        "; allowed: an address, or a network as 10.0.0.0/8 or fd00::/8"};
}

}  // namespace

std::optional<ip_address> parse_address(std::string_view text) {
    if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
    const std::string terminated{text};
    ip_address out;
    if (::inet_pton(AF_INET, terminated.c_str(), out.bytes.data()) == 1) return out;
    if (::inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) != 1) return std::nullopt;
    if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), out.bytes.begin())) {
        std::copy(out.bytes.begin() + 12, out.bytes.end(), out.bytes.begin());
        std::fill(out.bytes.begin() + 4, out.bytes.end(), std::uint8_t{0});
        return out;
    }
    out.v6 = true;
    return out;
}

std::string to_text(const ip_address& address) {
    char room[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), room, sizeof room);
    return room;
}

ip_address ip_network::last() const {
    return filled(first, bits, true);
}

bool ip_network::contains(const ip_address& address) const {
    return address.v6 == first.v6 && filled(address, bits, false) == first;
}

base::result<ip_network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return not_a_network(text, "holds no address");
    const auto most = most_bits(*address);
    if (slash == text.npos) return ip_network{*address, most};
    const auto bits = base::parse_unsigned(text.substr(slash + 1));
    if (!bits || *bits > most)
        return not_a_network(text, "has no length of 0 to " + std::to_string(most));
    const ip_network out{filled(*address, static_cast<unsigned>(*bits), false),
                         static_cast<unsigned>(*bits)};
    if (out.first != *address)
        return not_a_network(text, "has bits beyond its length, meant is perhaps " +
                                       to_text(out.first) + "/" + std::to_string(*bits));
    return out;
}

}  // namespace logagent::fleet
