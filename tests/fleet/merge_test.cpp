#include "logagent/fleet/merge.hpp"

#include "support/test.hpp"

using namespace logagent::fleet;

namespace {

addressed_logconfig document(std::string address, std::string_view json) {
    return {std::move(address), parse_logconfig(json)};
}

std::string entries(std::size_t count, std::string_view name) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i)
        out += (i ? "," : "") + std::string{R"({"log_path":"/)"} + std::string{name} +
               std::to_string(i) + R"(","topic":"t"})";
    return out + "]";
}

constexpr auto slow = R"([{"log_path":"/a","topic":"t","send_rate":1}])";
constexpr auto fast = R"([{"log_path":"/a","topic":"t","send_rate":9}])";

}  // namespace

TEST_CASE("equal entries of several addresses are one target", "[merge]") {
    const auto out = merge({document("10.0.0.2", slow), document("10.0.0.1", slow)});
    CHECK(out.targets.size() == 1);
    CHECK(out.errors.empty());
}

TEST_CASE("of entries that differ the lowest address wins and the others are told", "[merge]") {
    const auto out =
        merge({document("fd00::1", slow), document("10.0.0.10", slow), document("10.0.0.9", fast)});
    REQUIRE(out.targets.size() == 1);
    CHECK(out.targets[0].send_rate == 9);
    REQUIRE(out.errors.size() == 2);
    CHECK(out.errors[0].address == "10.0.0.10");
    CHECK(out.errors[1].address == "fd00::1");
    for (const auto& [address, error] : out.errors) {
        CHECK(error.code == "conflict");
        CHECK(error.pointer == "/0");
        CHECK(error.text.find("10.0.0.9") != std::string::npos);
    }
}

TEST_CASE("a conflict points at the entry as it stands in its own array", "[merge]") {
    const auto out =
        merge({document("10.0.0.1", fast),
               document("10.0.0.2", R"([{"topic":""},{"log_path":"/b","topic":"t"},)"
                                    R"({"log_path":"/a","topic":"t","send_rate":1}])")});
    CHECK(out.targets.size() == 2);
    REQUIRE_FALSE(out.errors.empty());
    CHECK(out.errors.back().error.pointer == "/2");
    CHECK(out.errors.back().error.code == "conflict");
    CHECK(out.errors.front().error.pointer.starts_with("/0/"));
}

TEST_CASE("addresses are ordered by number, IPv4 first", "[merge]") {
    CHECK(address_before("9.255.0.1", "10.0.0.1"));
    CHECK(address_before("255.0.0.1", "::1"));
    CHECK(address_before("fd00::2", "fd00::10"));
    CHECK(address_before("fd00::1", "file"));
    CHECK_FALSE(address_before("10.0.0.1", "10.0.0.1"));
}

TEST_CASE("a host takes 200 targets over all its addresses", "[merge]") {
    const auto out =
        merge({document("10.0.0.1", entries(150, "a")), document("10.0.0.2", entries(60, "b"))});
    CHECK(out.targets.size() == 200);
    REQUIRE(out.errors.size() == 10);
    CHECK(out.errors[0].address == "10.0.0.2");
    CHECK(out.errors[0].error.code == "limit");
    CHECK(out.errors[0].error.pointer == "/50");
}
