#include "web/rate_store.hpp"

#include <cmath>

#include "support/test.hpp"

using namespace logagent::web;

namespace {

std::string file(const std::string& path, double lines, double bytes, long lag,
                 double throttled = 0, int rate = 0, const std::string& service = "shop") {
    return R"({"path":")" + path + R"(","service":")" + service +
           R"(","topic":"t","state":"tailing","size":1,"read_offset":1,"acked_offset":1,)"
           R"("lag_bytes":)" +
           std::to_string(lag) + R"(,"lines_per_s":)" + std::to_string(lines) +
           R"(,"bytes_per_s":)" + std::to_string(bytes) + R"(,"send_rate":)" +
           std::to_string(rate) + R"(,"throttled_seconds":)" + std::to_string(throttled) + "}";
}

std::string record(const std::string& host, long at_ms, const std::string& files,
                   const std::string& instance = "i") {
    return R"({"v":1,"host":")" + host + R"(","instance":")" + instance + R"(","at":)" +
           std::to_string(at_ms) + R"(,"interval_ms":2000,"files":[)" + files + R"(],"rest":[]})";
}

constexpr std::int64_t begin = 1'772'600'760'000;  // the begin of a step

}  // namespace

TEST_CASE("what a file was offered follows from what it sent and how its lag grew", "[rates]") {
    rate_store rates;
    REQUIRE(rates.put(record("web1", begin, file("/a", 10, 1000, 0, 0, 10)), begin));
    REQUIRE(
        rates.put(record("web1", begin + 2000, file("/a", 10, 1000, 4000, 1, 10)), begin + 2000));
    const auto& one = rates.host("web1")->files.front();
    CHECK(one.offered_bytes_per_s == Approx(3000));
    CHECK(one.throttled == Approx(0.5));
    CHECK(line_bytes(one) == Approx(100));
    // Another life of the agent says nothing about this one.
    rates.put(record("web1", begin + 4000, file("/a", 10, 1000, 0), "other"), begin + 4000);
    CHECK(rates.host("web1")->files.front().offered_bytes_per_s == Approx(1000));
}

TEST_CASE("the time until a lag is sent counts what comes meanwhile, and the slowest file",
          "[rates]") {
    file_rate quick;
    quick.lag_bytes = 10'000;
    quick.lines_per_s = 100;
    quick.bytes_per_s = 10'000;
    quick.send_rate = 100;
    quick.offered_bytes_per_s = 5'000;
    auto slow = quick;
    slow.offered_bytes_per_s = 9'000;
    file_rate idle;
    CHECK(drain_seconds({&quick}, std::nullopt) == Approx(2.0));
    CHECK(drain_seconds({&quick, &slow, &idle}, std::nullopt) == Approx(10.0));
    CHECK(drain_seconds({&idle}, std::nullopt) == 0.0);
    CHECK(drain_seconds({}, std::nullopt) == 0.0);
    // As it would be with another limit.
    CHECK(drain_seconds({&quick}, 200) == Approx(10'000.0 / 15'000));
    CHECK_FALSE(drain_seconds({&quick}, 50));
    quick.offered_bytes_per_s = 20'000;
    CHECK_FALSE(drain_seconds({&quick}, std::nullopt));
}

TEST_CASE("services and hosts have their last hour in steps of ten seconds", "[rates]") {
    rate_store rates;
    rates.tick(begin);
    for (int second = 0; second < 60; second += 2) {
        const auto now = begin + second * 1000;
        rates.put(record("web1", now,
                         file("/a", 10, 1000, 0) + "," + file("/b", 5, 500, 100, 0, 0, "pay")),
                  now);
        rates.put(record("web2", now, file("/a", 20, 2000, 50)), now);
        rates.tick(now);
    }
    const auto shop = rates.of_service("shop");
    REQUIRE(shop.size() >= 5);
    CHECK(shop.back().second.sent == Approx(30));
    CHECK(shop.back().second.lag_bytes == Approx(50));
    CHECK(shop.back().first % 10 == 0);
    CHECK(rates.of_service("pay").back().second.sent == Approx(5));
    CHECK(rates.of_host("web1").back().second.sent == Approx(15));
    CHECK(rates.of_service("nobody").empty());
    int files = 0;
    rates.files_of("shop", begin + 60'000, [&](const std::string&, const file_rate&) { ++files; });
    CHECK(files == 2);
}

TEST_CASE("a host that says nothing any more counts nothing, and is forgotten after an hour",
          "[rates]") {
    rate_store rates;
    rates.tick(begin);
    rates.put(record("web1", begin, file("/a", 10, 1000, 0)), begin);
    rates.tick(begin + 10'000);
    CHECK(rates.of_service("shop").back().second.known);
    rates.tick(begin + 60'000);
    CHECK_FALSE(rates.of_service("shop").back().second.known);
    CHECK_FALSE(rates.is_fresh("web1", begin + 60'000));
    rates.tick(begin + 3'700'000);
    CHECK(rates.hosts() == 0);
    CHECK(rates.of_service("shop").empty());
}

TEST_CASE("a gap of hours does not leave old points behind", "[rates]") {
    rate_store rates;
    rates.tick(begin);
    rates.put(record("web1", begin, file("/a", 10, 1000, 0)), begin);
    rates.tick(begin + 10'000);
    const auto later = begin + 10 * 3'600'000;
    rates.put(record("web1", later, file("/a", 10, 1000, 0)), later);
    rates.tick(later);
    rates.tick(later + 10'000);
    std::size_t known = 0;
    for (const auto& [at, point] : rates.of_service("shop"))
        known += point.known ? 1 : 0;
    CHECK(known <= 2);
}

TEST_CASE("what is no record of figures changes nothing", "[rates]") {
    rate_store rates;
    for (const auto* bad : {"", "{", "[]", "{}", R"({"v":2,"host":"a"})", R"({"v":1,"host":7})",
                            R"({"v":1,"host":""})"})
        CHECK_FALSE(rates.put(bad, begin));
    CHECK_FALSE(rates.put(std::string(rate_store::most_record_bytes + 1, ' '), begin));
    CHECK(rates.hosts() == 0);
    CHECK(rates.refused() == 8);
    // Numbers that nobody can have measured count as none.
    CHECK(rates.put(R"({"v":1,"host":"a","at":1,"files":[{"path":"/a","lag_bytes":-5,)"
                    R"("lines_per_s":1e999}]})",
                    begin));
    CHECK(rates.host("a")->files.front().lines_per_s == 0);
    CHECK(rates.put(R"({"v":1,"host":"a","at":1,"files":[{"path":"/a","lag_bytes":-5}]})", begin));
    CHECK(rates.host("a")->files.front().lag_bytes == 0);
}
