#include "logagent/fleet/selector.hpp"

#include "fleet/fleet_fixture.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using logagent::test::make_host;

namespace {

const host web = make_host("web-01", {"10.0.0.1", "fd00::1"},
                           {{"env", "prod"}, {"idc", "sh"}, {"note", "a,b \"c\""}});

bool matches(std::string_view text) {
    return selector::parse(text).value().matches(web);
}

std::string problem(std::string_view text) {
    const auto out = selector::parse(text);
    return out ? "accepted" : out.error().text;
}

}  // namespace

TEST_CASE("all terms of a selector must match", "[selector]") {
    CHECK(matches("env=prod,idc!=bj,host=~web-.*"));
    CHECK(matches(" env = prod , idc != bj "));
    CHECK_FALSE(matches("env=prod,idc=bj"));
    CHECK_FALSE(matches("env!=prod"));
    CHECK_FALSE(matches("host!~web-.*"));
    CHECK(matches("host!~db-.*"));
}

TEST_CASE("a pattern is about the whole value", "[selector]") {
    CHECK_FALSE(matches("host=~web"));
    CHECK_FALSE(matches("host=~eb-01"));
    CHECK(matches("host=~web-0[0-9]"));
}

TEST_CASE("a label that a host does not have is empty", "[selector]") {
    CHECK(matches("rack="));
    CHECK_FALSE(matches("rack!="));
    CHECK(matches("rack!=r1"));
    CHECK(matches("env!="));
    CHECK_FALSE(matches("env="));
}

TEST_CASE("any address of a host counts", "[selector]") {
    CHECK(matches("ip=10.0.0.1"));
    CHECK(matches("ip=FD00:0::1"));
    CHECK_FALSE(matches("ip!=10.0.0.1"));
    CHECK(matches("ip=~10\\..*"));
    CHECK(matches("ip!~192\\..*"));
}

TEST_CASE("a value in quotes may hold commas and quotes", "[selector]") {
    CHECK(matches(R"(note="a,b ""c""",env=prod)"));
    CHECK(matches(R"(host=~"web-[0-9]{1,2}")"));
    CHECK_FALSE(matches(R"(host=~"web-[0-9]{3,4}")"));
}

TEST_CASE("an empty selector selects nobody", "[selector]") {
    CHECK_FALSE(matches(""));
    CHECK_FALSE(matches("  "));
    CHECK_FALSE(selector{}.matches(web));
}

TEST_CASE("a mistake in a selector is named with its place", "[selector]") {
    CHECK(problem("env").find("at byte 3") == 0);
    CHECK(problem("=x").find("a label is expected") != std::string::npos);
    CHECK(problem("env=prod,").find("after the last comma") != std::string::npos);
    CHECK(problem("env=\"x").find("closing quote") != std::string::npos);
    CHECK(problem("env=\"x\"y").find("a comma is expected") != std::string::npos);
    CHECK(problem("env=a\"b").find("a quote inside") != std::string::npos);
    CHECK(problem("host=~(").find("not an RE2 pattern") != std::string::npos);
    CHECK(problem("host=~").find("empty") != std::string::npos);
    CHECK(problem("env=\xFF").find("UTF-8") != std::string::npos);
    CHECK(problem(std::string(5000, 'a')) == "longer than 4096 bytes");
    CHECK(problem("a{=x") != "accepted");
}

TEST_CASE("a selection is the union of its parts", "[selector]") {
    const auto selected = [](host_selection selection) { return selects(selection, web); };
    CHECK_FALSE(selected({}));
    CHECK(selected({{"web-01"}, {}, ""}));
    CHECK(selected({{"fd00:0::1"}, {}, ""}));
    CHECK(selected({{"web-*"}, {}, ""}));
    CHECK_FALSE(selected({{"db-*", "web-1"}, {}, ""}));
    CHECK(selected({{}, {"10.0.0.0/24"}, ""}));
    CHECK(selected({{}, {"192.168.0.0/16", "fd00::/8"}, ""}));
    CHECK(selected({{"db-01"}, {"192.168.0.0/16"}, "env=prod"}));
}

TEST_CASE("every mistake of a selection is named", "[selector]") {
    const auto errors = check_selection({{"a", "[b"}, {"10.0.0.0/8", "x"}, "env"}, "/hosts");
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].pointer == "/hosts/list/1");
    CHECK(errors[1].pointer == "/hosts/cidr/1");
    CHECK(errors[2].pointer == "/hosts/selector");
    CHECK(errors[2].code == "selector");
}
