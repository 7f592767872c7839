#include "logagent/async/backoff.hpp"

#include <algorithm>

#include "support/test.hpp"

namespace logagent::async {
namespace {

using namespace std::chrono_literals;

constexpr int draws = 400;

/// The longest of many waits for the n-th try.
backoff::duration longest_wait(int tries_before) {
    backoff::duration longest{};
    for (std::uint64_t seed = 1; seed <= draws; ++seed) {
        backoff waits{100ms, 1s, seed};
        for (int i = 0; i < tries_before; ++i)
            waits.next();
        longest = std::max(longest, waits.next());
    }
    return longest;
}

TEST_CASE("every wait of a backoff is above zero and at most its limit", "[backoff]") {
    for (std::uint64_t seed = 1; seed <= draws; ++seed) {
        backoff waits{100ms, 1s, seed};
        for (const backoff::duration limit : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
            const auto wait = waits.next();
            CHECK(wait > 0ms);
            CHECK(wait <= limit);
        }
    }
}

TEST_CASE("the limit of a backoff doubles with each failure until it is reached", "[backoff]") {
    // Of 400 even draws the longest lies in the upper tenth but for once in 10^18.
    CHECK(longest_wait(0) > 90ms);
    CHECK(longest_wait(1) > 180ms);
    CHECK(longest_wait(2) > 360ms);
    CHECK(longest_wait(3) > 720ms);
    CHECK(longest_wait(4) > 900ms);
    CHECK(longest_wait(20) > 900ms);
}

TEST_CASE("after a success a backoff begins with its first limit again", "[backoff]") {
    for (std::uint64_t seed = 1; seed <= draws; ++seed) {
        backoff waits{100ms, 1s, seed};
        for (int i = 0; i < 6; ++i)
            waits.next();
        waits.reset();
        CHECK(waits.next() <= 100ms);
        CHECK(waits.next() <= 200ms);
    }
}

TEST_CASE("hosts that fail together come back spread over the whole wait", "[backoff]") {
    int early = 0;
    for (std::uint64_t seed = 1; seed <= draws; ++seed)
        if (backoff{100ms, 1s, seed * 7919}.next() <= 50ms) ++early;
    CHECK(early > draws * 4 / 10);
    CHECK(early < draws * 6 / 10);
}

}  // namespace
}  // namespace logagent::async
