#include "logagent/os/interfaces.hpp"

#include <arpa/inet.h>
#include <sys/stat.h>

#include "os/temporary_directory.hpp"
#include "support/test.hpp"

using namespace logagent::os;
using kind = interface_address::type;

namespace {

interface_address at(const std::string& interface, kind of, const char* text) {
    interface_address out;
    out.interface = interface;
    out.kind = of;
    out.ipv6 = std::string_view{text}.find(':') != std::string_view::npos;
    REQUIRE(::inet_pton(out.ipv6 ? AF_INET6 : AF_INET, text, out.bytes.data()) == 1);
    return out;
}

}  // namespace

TEST_CASE("only global-unicast addresses are usable", "[interfaces]") {
    const auto [text, usable] = GENERATE(table<const char*, bool>({
        {"10.0.0.1", true},
        {"192.168.3.4", true},
        {"8.8.8.8", true},
        {"127.0.0.1", false},
        {"127.8.0.1", false},
        {"169.254.1.1", false},
        {"224.0.0.1", false},
        {"0.0.0.0", false},
        {"255.255.255.255", false},
        {"2001:db8::1", true},
        {"fd00::1", true},
        {"::1", false},
        {"::", false},
        {"fe80::1", false},
        {"febf::1", false},
        {"ff02::1", false},
        {"::ffff:10.0.0.1", false},
    }));
    CAPTURE(text);
    const auto found = usable_addresses({at("eth0", kind::ordinary, text)}, address_selection::all);
    CHECK(found == (usable ? std::vector<std::string>{text} : std::vector<std::string>{}));
}

TEST_CASE("addresses come in numeric order, IPv4 first, each once", "[interfaces]") {
    const std::vector<interface_address> all{
        at("eth1", kind::ordinary, "fd00::2"),  at("eth0", kind::ordinary, "10.0.0.20"),
        at("eth0", kind::ordinary, "10.0.0.3"), at("docker0", kind::bridge, "172.17.0.1"),
        at("veth12", kind::veth, "172.18.0.1"), at("tun0", kind::tunnel, "10.8.0.1"),
        at("eth2", kind::ordinary, "10.0.0.3"),
    };
    CHECK(usable_addresses(all, address_selection::automatic) ==
          std::vector<std::string>{"10.0.0.3", "10.0.0.20", "fd00::2"});
    CHECK(usable_addresses(all, address_selection::all) ==
          std::vector<std::string>{"10.0.0.3", "10.0.0.20", "10.8.0.1", "172.17.0.1", "172.18.0.1",
                                   "fd00::2"});
}

TEST_CASE("an interface is known by what /sys says and by its name", "[interfaces]") {
    logagent::test::temporary_directory sys;
    sys.file("corp0/bridge/x");
    sys.file("vpn0/tun_flags");
    sys.file("eth0/address");
    CHECK(interface_kind("corp0", sys.path()) == kind::bridge);
    CHECK(interface_kind("vpn0", sys.path()) == kind::tunnel);
    CHECK(interface_kind("eth0", sys.path()) == kind::ordinary);
    CHECK(interface_kind("bond0.100", sys.path()) == kind::ordinary);
    CHECK(interface_kind("docker_gwbridge", sys.path()) == kind::bridge);
    CHECK(interface_kind("br-1a2b", sys.path()) == kind::bridge);
    CHECK(interface_kind("veth3c", sys.path()) == kind::veth);
    CHECK(interface_kind("tap1", sys.path()) == kind::tunnel);
}

TEST_CASE("the addresses of this host hold the loopback one, which is not usable", "[interfaces]") {
    const auto all = interface_addresses();
    const auto is_loopback = [](const interface_address& address) {
        return address.text() == "127.0.0.1";
    };
    CHECK(std::any_of(all.begin(), all.end(), is_loopback));
    const auto usable = usable_addresses(all, address_selection::all);
    CHECK(std::find(usable.begin(), usable.end(), "127.0.0.1") == usable.end());
}
