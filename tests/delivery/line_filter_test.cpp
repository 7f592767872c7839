#include "logagent/delivery/record_builder.hpp"
#include "support/test.hpp"

namespace logagent::delivery {
namespace {

TEST_CASE("without lists every line passes as it is", "[line_filter]") {
    const line_filter filter{fleet::log_target{}};
    std::string scratch;
    CHECK(filter.passes(""));
    CHECK(filter.passes("\xff\xfe"));
    CHECK_FALSE(filter.masks());
    CHECK(filter.masked("token=1", scratch) == "token=1");
}

TEST_CASE("a line passes that one of keep names and none of drop", "[line_filter]") {
    fleet::log_target target;
    target.keep = {"ERROR", "^WARN"};
    target.drop = {"health", "ping$"};
    const line_filter filter{target};
    CHECK(filter.passes("an ERROR"));
    CHECK(filter.passes("WARN first"));
    CHECK_FALSE(filter.passes("not WARN first"));
    CHECK_FALSE(filter.passes("INFO"));
    CHECK_FALSE(filter.passes("ERROR in health check"));
    CHECK_FALSE(filter.passes("WARN ping"));
    CHECK(filter.passes("WARN ping "));
}

TEST_CASE("drop alone lets everything else pass", "[line_filter]") {
    fleet::log_target target;
    target.drop = {"^$", "DEBUG"};
    const line_filter filter{target};
    CHECK(filter.passes("INFO"));
    CHECK_FALSE(filter.passes("DEBUG x"));
    CHECK_FALSE(filter.passes(""));
}

TEST_CASE("masks replace every match, one after the other", "[line_filter]") {
    fleet::log_target target;
    target.mask = {{"password=\\S+", "password=***"}, {"\\b\\d{4}(\\d{4})\\b", "####\\1"}};
    const line_filter filter{target};
    std::string scratch;
    REQUIRE(filter.masks());
    CHECK(filter.masked("password=a password=b 12345678", scratch) ==
          "password=*** password=*** ####5678");
    CHECK(filter.masked("nothing here", scratch) == "nothing here");
    CHECK(filter.masked("", scratch).empty());
}

TEST_CASE("patterns see bytes, so a line that is no UTF-8 is filtered like any other",
          "[line_filter]") {
    fleet::log_target target;
    target.drop = {"secret"};
    target.mask = {{"id=.", "id=?"}};
    const line_filter filter{target};
    std::string scratch;
    CHECK_FALSE(filter.passes("\xff\x80 secret"));
    CHECK(filter.passes(std::string_view{"a\0b", 3}));
    CHECK(filter.masked("\xff id=\xfe \x80", scratch) == "\xff id=? \x80");
}

}  // namespace
}  // namespace logagent::delivery
