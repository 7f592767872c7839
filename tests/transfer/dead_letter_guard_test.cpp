#include "transfer/dead_letter_guard.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

TEST_CASE("single bad records are buried for ever", "[transfer]") {
    dead_letter_guard guard{10};
    for (int round = 0; round < 1000; ++round) {
        for (int good = 0; good < 19; ++good)
            guard.accepted();
        REQUIRE(guard.may_bury());
    }
}

TEST_CASE("a sink that refuses everything gets a tenth of the window and no more", "[transfer]") {
    dead_letter_guard guard{10};
    int buried = 0;
    while (buried < 1000 && guard.may_bury())
        ++buried;
    CHECK(buried == 100);
    CHECK_FALSE(guard.may_bury());
    guard.reset();
    CHECK(guard.may_bury());
}

TEST_CASE("what was refused long ago does not count", "[transfer]") {
    dead_letter_guard guard{10};
    while (guard.may_bury()) {
    }
    for (int good = 0; good < 1000; ++good)
        guard.accepted();
    CHECK(guard.may_bury());
}

TEST_CASE("a guard of 100 percent never trips", "[transfer]") {
    dead_letter_guard guard{100};
    for (int count = 0; count < 5000; ++count)
        REQUIRE(guard.may_bury());
}

}  // namespace
}  // namespace logagent::transfer
