#include "logagent/fleet/diff.hpp"

#include "support/test.hpp"

using namespace logagent::fleet;

namespace {

log_target target(std::string path, std::string topic, std::uint64_t rate = 0) {
    log_target out;
    out.log_path = std::move(path);
    out.topic = std::move(topic);
    out.send_rate = rate;
    return out;
}

}  // namespace

TEST_CASE("only what differs is touched", "[diff]") {
    const std::vector running{target("/a", "t"), target("/b", "t"), target("/c", "t")};
    const std::vector wanted{target("/d", "t"), target("/b", "t", 5), target("/a", "t")};
    const auto out = diff(running, wanted);
    CHECK(out.started == std::vector{target("/d", "t")});
    CHECK(out.stopped == std::vector{target("/c", "t")});
    CHECK(out.same == std::vector{target("/a", "t")});
    REQUIRE(out.changed.size() == 1);
    CHECK(out.changed[0].before.send_rate == 0);
    CHECK(out.changed[0].after.send_rate == 5);
    CHECK_FALSE(out.empty());
}

TEST_CASE("another topic for the same path is another target", "[diff]") {
    const auto out = diff(std::vector{target("/a", "t")}, std::vector{target("/a", "u")});
    CHECK(out.started == std::vector{target("/a", "u")});
    CHECK(out.stopped == std::vector{target("/a", "t")});
    CHECK(out.changed.empty());
}

TEST_CASE("equal lists in another order need nothing", "[diff]") {
    const std::vector running{target("/a", "t"), target("/b", "t")};
    const std::vector wanted{target("/b", "t"), target("/a", "t")};
    CHECK(diff(running, wanted).empty());
    CHECK(diff({}, {}).empty());
    CHECK(diff(running, {}).stopped.size() == 2);
}
