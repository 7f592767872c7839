#include "logagent/agent/stall_meter.hpp"

#include "support/test.hpp"

using logagent::agent::stall_meter;
using namespace std::chrono_literals;

namespace {

const stall_meter::clock::time_point start{1000s};

}  // namespace

TEST_CASE("the longest turn and the latest timer count", "[stall_meter]") {
    stall_meter meter;
    CHECK(meter.longest(start) == 0s);
    meter.begin(start);
    meter.end(start + 5ms);
    meter.fired(start + 1s, start + 1s + 8ms);
    meter.begin(start + 2s);
    meter.end(start + 2s + 3ms);
    CHECK(meter.longest(start + 3s) == 8ms);
    CHECK(meter.longest_ever() == 8ms);
}

TEST_CASE("a stall is forgotten after a minute, but not for ever", "[stall_meter]") {
    stall_meter meter;
    meter.fired(start, start + 70ms);
    meter.fired(start + 30s, start + 30s + 20ms);
    CHECK(meter.longest(start + 59s) == 70ms);
    CHECK(meter.longest(start + 60s) == 20ms);
    CHECK(meter.longest(start + 90s) == 0ms);
    CHECK(meter.longest_ever() == 70ms);
    // A slot that is used again holds nothing old.
    meter.fired(start + 64s, start + 64s + 1ms);
    CHECK(meter.longest(start + 64s) == 20ms);
    CHECK(meter.longest(start + 64s + 59s) == 1ms);
}

TEST_CASE("work that goes on counts with what it has taken", "[stall_meter]") {
    stall_meter meter;
    meter.begin(start);
    CHECK(meter.longest(start + 40ms) == 40ms);
    CHECK(meter.longest_ever() == 0ms);
    meter.end(start + 50ms);
    CHECK(meter.longest(start + 60ms) == 50ms);
}

TEST_CASE("early timers and an end without a begin are no stalls", "[stall_meter]") {
    stall_meter meter;
    meter.end(start);
    meter.fired(start + 1s, start);
    CHECK(meter.longest(start) == 0s);
    meter.begin(start);
    meter.end(start + 1ms);
    meter.end(start + 1s);
    CHECK(meter.longest_ever() == 1ms);
}
