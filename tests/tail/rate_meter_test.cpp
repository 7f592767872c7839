#include "logagent/tail/rate_meter.hpp"

#include <chrono>

#include "support/test.hpp"

using namespace std::chrono_literals;
using logagent::tail::rate_meter;

namespace {

constexpr logagent::delivery::time_point begin{1000s};

}  // namespace

TEST_CASE("a rate is that of the last seconds", "[tail][rate_meter]") {
    rate_meter meter;
    CHECK(meter.at(begin) == std::pair{0.0, 0.0});
    for (int second = 0; second < 20; ++second)
        meter.note(begin + std::chrono::seconds{second}, 10, 2000);
    const auto [lines, bytes] = meter.at(begin + 20s);
    CHECK(lines == 10);
    CHECK(bytes == 2000);
}

TEST_CASE("what passed before counts less and less", "[tail][rate_meter]") {
    rate_meter meter;
    meter.note(begin, 100, 1000);
    CHECK(meter.at(begin).first == 20);
    CHECK(meter.at(begin + 4s).first == 20);
    CHECK(meter.at(begin + 8s).first == 12.5);
    meter.note(begin + 6s, 0, 0);  // the next five seconds begin
    CHECK(meter.at(begin + 6s).first == 20);
    CHECK(meter.at(begin + 8500ms).first == 10);
    CHECK(meter.at(begin + 11s).first == 0);
}

TEST_CASE("what lies far back does not count at all", "[tail][rate_meter]") {
    rate_meter meter;
    meter.note(begin, 100, 1000);
    CHECK(meter.at(begin + 10s) == std::pair{0.0, 0.0});
    meter.note(begin + 60s, 5, 50);
    CHECK(meter.at(begin + 60s) == std::pair{1.0, 10.0});
}
