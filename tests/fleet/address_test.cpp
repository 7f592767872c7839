#include "logagent/fleet/address.hpp"

#include "support/test.hpp"

using namespace logagent::fleet;

namespace {

std::string normal(std::string_view text) {
    const auto address = parse_address(text);
    return address ? to_text(*address) : "none";
}

bool lies_in(std::string_view address, std::string_view network) {
    return parse_network(network).value().contains(parse_address(address).value());
}

}  // namespace

TEST_CASE("an address is written in one way", "[address]") {
    CHECK(normal("10.0.0.1") == "10.0.0.1");
    CHECK(normal("FD00:0:0::1") == "fd00::1");
    CHECK(normal("::ffff:10.0.0.1") == "10.0.0.1");
    CHECK(normal("10.0.0.256") == "none");
    CHECK(normal("10.0.0.1 ") == "none");
    CHECK(normal("") == "none");
    CHECK(normal(std::string_view{"10.0.0.1\0x", 10}) == "none");
}

TEST_CASE("IPv4 comes before IPv6, then numbers decide", "[address]") {
    CHECK(*parse_address("9.0.0.0") < *parse_address("10.0.0.0"));
    CHECK(*parse_address("255.0.0.0") < *parse_address("::1"));
}

TEST_CASE("a network holds the addresses that share its bits", "[address]") {
    CHECK(lies_in("10.1.2.3", "10.0.0.0/8"));
    CHECK_FALSE(lies_in("11.0.0.0", "10.0.0.0/8"));
    CHECK(lies_in("10.0.0.129", "10.0.0.128/25"));
    CHECK_FALSE(lies_in("10.0.0.127", "10.0.0.128/25"));
    CHECK(lies_in("1.2.3.4", "0.0.0.0/0"));
    CHECK_FALSE(lies_in("::1", "0.0.0.0/0"));
    CHECK(lies_in("fd12::1", "fd00::/8"));
    CHECK(lies_in("10.0.0.1", "10.0.0.1"));
    CHECK(to_text(parse_network("10.0.0.128/25").value().last()) == "10.0.0.255");
    CHECK(to_text(parse_network("fd00::/127").value().last()) == "fd00::1");
}

TEST_CASE("a network with bits beyond its length is refused, and the right one named",
          "[address]") {
    const auto wrong = parse_network("10.1.2.3/8");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == "cidr");
    CHECK(wrong.error().text.find("10.0.0.0/8") != std::string::npos);
    for (const auto* const text : {"10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "/8"})
        CHECK_FALSE(parse_network(text).has_value());
}
