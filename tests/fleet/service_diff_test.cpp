#include "logagent/fleet/service_diff.hpp"

#include <boost/json/serialize.hpp>

#include "fleet/fleet_fixture.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using namespace logagent::test;

TEST_CASE("two revisions differ by field and by entry", "[service_diff]") {
    const auto before = make_service("web", {"a"}, {"/a", "/b", "/c"});
    auto after = make_service("web", {"a", "b"}, {"/d", "/b", "/a"});
    after.files[1].target.send_rate = 5;
    after.owner = "ops";
    CHECK(boost::json::serialize(to_json(diff(before, after))) ==
          R"({"fields":[{"field":"hosts.list","before":["a"],"after":["a","b"]},)"
          R"({"field":"owner","before":"","after":"ops"}],)"
          R"("entries":[{"kind":"added","log_path":"/d","topic":"t","service":"web"},)"
          R"({"kind":"changed","log_path":"/b","topic":"t","service":"web",)"
          R"("fields":[{"field":"send_rate","before":0,"after":5}]},)"
          R"({"kind":"removed","log_path":"/c","topic":"t","service":"web"}]})");
}

TEST_CASE("equal revisions do not differ", "[service_diff]") {
    const auto one = make_service("web", {"a"}, {"/a", "/b"});
    CHECK(diff(one, one).empty());
    auto other = one;
    std::swap(other.files[0], other.files[1]);
    CHECK(diff(one, other).empty());
}

TEST_CASE("a field that one side does not have is told as absent", "[service_diff]") {
    const auto before = make_service("web", {}, {"/a"});
    auto after = before;
    after.files[0].target.keep = {"x"};
    after.files[0].extra["new"] = 1;
    const auto out = diff(before, after);
    REQUIRE(out.entries.size() == 1);
    REQUIRE(out.entries[0].fields.size() == 2);
    CHECK(out.entries[0].fields[0].field == "keep");
    CHECK_FALSE(out.entries[0].fields[0].before);
}
