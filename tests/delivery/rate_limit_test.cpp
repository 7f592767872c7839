#include "logagent/delivery/rate_limit.hpp"

#include <cmath>
#include <limits>

#include "support/test.hpp"

namespace logagent::delivery {
namespace {

using namespace std::chrono_literals;

const time_point start{1'000'000s};

/// Spends whatever may be spent whenever ready_at() says so; every wake-up comes `late`.
std::uint64_t spent(token_bucket& bucket, time_point from, duration length, duration late = 0ns) {
    std::uint64_t total = 0;
    for (auto now = bucket.ready_at(from); now < from + length; now = bucket.ready_at(now) + late) {
        const auto tokens = bucket.available(now);
        REQUIRE(tokens >= 1);  // what ready_at() promised
        bucket.spend(tokens, now);
        total += tokens;
    }
    return total;
}

bool accurate(std::uint64_t tokens, double wanted) {
    return std::abs(static_cast<double>(tokens) - wanted) <= std::max(1.0, wanted * 0.02);
}

TEST_CASE("a token bucket passes its rate within two per cent or one token", "[rate_limit]") {
    for (const std::uint64_t rate : {1u, 3u, 7u, 10u, 11u, 1000u, 44'100u, 500'000u}) {
        INFO("rate " << rate);
        token_bucket bucket{rate, start};
        CHECK(accurate(spent(bucket, start, 10s), 10.0 * static_cast<double>(rate)));
    }
}

TEST_CASE("wake-ups that come a little late do not slow a token bucket down", "[rate_limit]") {
    for (const std::uint64_t rate : {1u, 3u, 10u, 1000u, 500'000u}) {
        INFO("rate " << rate);
        token_bucket bucket{rate, start};
        CHECK(accurate(spent(bucket, start, 10s, 1ms), 10.0 * static_cast<double>(rate)));
    }
}

TEST_CASE("after a pause at most 100 ms of the rate or one token pass at once", "[rate_limit]") {
    for (const std::uint64_t rate : {1u, 3u, 10u, 1000u, 500'000u}) {
        INFO("rate " << rate);
        token_bucket bucket{rate, start};
        const auto saved = bucket.available(start + 1h);
        CHECK(saved <= std::max<std::uint64_t>(1, rate / 10));
        CHECK(saved >= 1);
    }
}

TEST_CASE("a new bucket lets one token pass at once, no burst", "[rate_limit]") {
    token_bucket bucket{500'000, start};
    CHECK(bucket.available(start) == 1);
}

TEST_CASE("a fast bucket is asked about every 20 ms and not for each token", "[rate_limit]") {
    token_bucket bucket{500'000, start};
    bucket.spend(bucket.available(start), start);
    const auto ready = bucket.ready_at(start);
    CHECK(ready >= start + 19ms);
    CHECK(ready <= start + 21ms);
}

TEST_CASE("a changed rate takes effect at once", "[rate_limit]") {
    token_bucket bucket{1000, start};
    CHECK(accurate(spent(bucket, start, 5s), 5000));
    bucket.set_rate(10, start + 5s);
    CHECK(accurate(spent(bucket, start + 5s, 10s), 100));
    bucket.set_rate(100'000, start + 15s);
    CHECK(accurate(spent(bucket, start + 15s, 5s), 500'000));
}

TEST_CASE("a rate that was unlimited begins without a burst of the time before", "[rate_limit]") {
    token_bucket bucket{0, start};
    CHECK(bucket.unlimited());
    CHECK(bucket.available(start) == std::numeric_limits<std::uint64_t>::max());
    CHECK(bucket.ready_at(start) == start);
    bucket.spend(1'000'000, start + 1s);
    bucket.set_rate(1000, start + 10s);
    CHECK(bucket.available(start + 10s) <= 1);
    CHECK(accurate(spent(bucket, start + 10s, 10s), 10'000));
    bucket.set_rate(0, start + 20s);
    CHECK(bucket.ready_at(start + 20s) == start + 20s);
}

TEST_CASE("what one oversize line takes too much is paid by waiting", "[rate_limit]") {
    token_bucket bucket{1000, start};
    bucket.spend(5000, start);
    const auto ready = bucket.ready_at(start);
    CHECK(bucket.available(start + 4900ms) == 0);
    CHECK(ready > start + 4950ms);
    CHECK(ready < start + 5100ms);
    CHECK(bucket.available(ready) >= 1);
}

TEST_CASE("a debt of a slow rate does not stop a file after the rate was raised", "[rate_limit]") {
    token_bucket bucket{10, start};
    bucket.spend(100'000, start);
    bucket.set_rate(1000, start);
    CHECK(bucket.ready_at(start) <= start + 200ms);
}

TEST_CASE("time that goes back changes nothing", "[rate_limit]") {
    token_bucket bucket{1000, start};
    bucket.spend(1, start);
    CHECK(bucket.available(start - 1h) == 0);
    CHECK(bucket.available(start + 50ms) == 50);
}

TEST_CASE("the tighter one of two limits counts", "[rate_limit]") {
    rate_limit limits{100, 1'000'000, start};
    CHECK_FALSE(limits.unlimited());
    std::uint64_t lines = 0;
    for (auto now = limits.ready_at(start); now < start + 10s; now = limits.ready_at(now)) {
        const auto free = limits.available(now);
        REQUIRE(free.lines >= 1);
        REQUIRE(free.bytes >= 1);
        limits.spend(1, 20'000, now);  // 50 a second by bytes
        ++lines;
    }
    CHECK(accurate(lines, 500));
    limits.set_rates(0, 0, start + 10s);
    CHECK(limits.unlimited());
    CHECK(limits.ready_at(start + 10s) == start + 10s);
}

}  // namespace
}  // namespace logagent::delivery
