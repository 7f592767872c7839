#include "logagent/delivery/budget.hpp"

#include "support/test.hpp"

namespace logagent::delivery {
namespace {

TEST_CASE("a budget blocks at its limit and opens again at three quarters of it", "[budget]") {
    budget memory{1000};
    memory.charge(999);
    CHECK_FALSE(memory.blocked());
    CHECK(memory.free() == 1);
    memory.charge(1);
    CHECK(memory.blocked());
    CHECK(memory.free() == 0);
    memory.release(249);
    CHECK(memory.blocked());
    CHECK(memory.free() == 249);
    memory.release(1);
    CHECK_FALSE(memory.blocked());
    memory.charge(249);
    CHECK_FALSE(memory.blocked());
}

TEST_CASE("a budget knows the most that was in use since it was asked", "[budget]") {
    budget memory{100};
    CHECK(memory.take_peak() == 0);
    memory.charge(60);
    memory.release(50);
    CHECK(memory.take_peak() == 60);
    memory.charge(5);
    CHECK(memory.take_peak() == 15);
    CHECK(memory.take_peak() == 15);
}

TEST_CASE("a budget that is overdrawn has nothing free", "[budget]") {
    budget memory{100};
    memory.charge(5000);
    CHECK(memory.used() == 5000);
    CHECK(memory.free() == 0);
    memory.release(5000);
    CHECK(memory.free() == 100);
    CHECK_FALSE(memory.blocked());
}

}  // namespace
}  // namespace logagent::delivery
