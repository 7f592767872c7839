#include "dns/cache.hpp"

#include "support/test.hpp"

namespace dns = logagent::dns;
using namespace std::chrono_literals;
using knowledge = dns::cache::knowledge;

namespace {

const dns::cache::clock::time_point start{1000s};
const auto one = boost::asio::ip::make_address("10.0.0.1");
const auto two = boost::asio::ip::make_address("10.0.0.2");

}  // namespace

TEST_CASE("an answer is used for its TTL, at least one second and at most sixty", "[dns]") {
    dns::cache cache;
    cache.succeeded("a", {one}, 30s, start);
    CHECK(cache.look("a", start + 29s) == knowledge::fresh);
    CHECK(cache.look("a", start + 30s) == knowledge::old);
    CHECK(cache.known("a", start + 10s).ttl == 20s);

    cache.succeeded("short", {one}, 0s, start);
    CHECK(cache.look("short", start + 999ms) == knowledge::fresh);
    CHECK(cache.look("short", start + 1s) == knowledge::old);

    cache.succeeded("long", {one}, 86400s, start);
    CHECK(cache.look("long", start + 59s) == knowledge::fresh);
    CHECK(cache.look("long", start + 60s) == knowledge::old);
}

TEST_CASE("a failed refresh keeps the old addresses and says so", "[dns]") {
    dns::cache cache;
    cache.succeeded("a", {one, two}, 5s, start);
    cache.failed("a", "server is away", start + 6s);

    const auto known = cache.known("a", start + 6s);
    CHECK(known.addresses == std::vector{one, two});
    CHECK(known.stale);
    CHECK(known.failure == "server is away");
    CHECK(cache.look("a", start + 6500ms) == knowledge::fresh);
    CHECK(cache.look("a", start + 7s) == knowledge::old);
}

TEST_CASE("a failure is remembered for one second", "[dns]") {
    dns::cache cache;
    CHECK(cache.look("a", start) == knowledge::none);
    cache.failed("a", "no such name", start);
    CHECK(cache.look("a", start + 999ms) == knowledge::fresh);
    CHECK(cache.known("a", start + 999ms).addresses.empty());
    CHECK(cache.known("a", start + 999ms).failure == "no such name");
    CHECK(cache.look("a", start + 1s) == knowledge::none);
}

TEST_CASE("the cache does not grow beyond its limit and keeps the youngest names", "[dns]") {
    dns::cache cache;
    for (int i = 0; i < 1100; ++i)
        cache.succeeded(std::to_string(i), {one}, 60s, start + i * 1ms);
    CHECK(cache.look("0", start) == knowledge::none);
    CHECK(cache.look("75", start) == knowledge::none);
    CHECK(cache.look("76", start) == knowledge::fresh);
    CHECK(cache.look("1099", start) == knowledge::fresh);
}
