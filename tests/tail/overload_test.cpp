#include "logagent/tail/overload.hpp"

#include "support/test.hpp"

namespace logagent::tail {
namespace {

TEST_CASE("a reader jumps when its backlog takes more than ten seconds of its limit",
          "[overload]") {
    pressure file{.waiting_bytes = 1001, .limit_bytes_per_s = 100};
    CHECK(must_jump(file));
    file.waiting_bytes = 1000;
    CHECK_FALSE(must_jump(file));
    file.waiting_bytes = 0;
    CHECK_FALSE(must_jump(file));
}

TEST_CASE("a reader without a limit jumps when it has been behind for long and by much",
          "[overload]") {
    constexpr double mib = 1 << 20;
    CHECK_FALSE(must_jump({.waiting_bytes = 1e12, .seen_bytes_per_s = 0, .behind_s = 9}));
    CHECK(must_jump({.waiting_bytes = 11 * mib, .seen_bytes_per_s = 0, .behind_s = 10}));
    CHECK_FALSE(must_jump({.waiting_bytes = 9 * mib, .seen_bytes_per_s = 0, .behind_s = 600}));
    CHECK_FALSE(
        must_jump({.waiting_bytes = 900 * mib, .seen_bytes_per_s = 100 * mib, .behind_s = 600}));
}

TEST_CASE("open holes make the next jump rarer, and many of them the last", "[overload]") {
    pressure file{.waiting_bytes = 1500, .limit_bytes_per_s = 100, .holes = 0};
    CHECK(must_jump(file));
    file.holes = 8;
    CHECK_FALSE(must_jump(file));
    file.waiting_bytes = 2001;
    CHECK(must_jump(file));
    file.waiting_bytes = 1e18;
    file.holes = 63;
    CHECK(must_jump(file));
    file.holes = 64;
    CHECK_FALSE(must_jump(file));
}

}  // namespace
}  // namespace logagent::tail
