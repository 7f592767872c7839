#include "transfer/hdfs_ranges.hpp"

#include "support/test.hpp"
#include "transfer/hdfs_hours.hpp"
#include "transfer/hdfs_roll.hpp"

namespace logagent::transfer {
namespace {

using namespace std::chrono_literals;

TEST_CASE("ranges follow one another without a gap", "[transfer][hdfs]") {
    hdfs_ranges ranges{10, std::nullopt};
    CHECK_FALSE(ranges.repeating());
    CHECK_FALSE(ranges.add(12));  // 10 and 11 were compacted away
    CHECK_FALSE(ranges.add(15));
    CHECK(ranges.close() == offset_range{10, 15});
    ranges.add(20);
    CHECK(ranges.close() == offset_range{16, 20});
}

TEST_CASE("where the beginning is unknown the first record tells it", "[transfer][hdfs]") {
    hdfs_ranges ranges{-1, std::nullopt};
    ranges.add(42);
    ranges.add(43);
    CHECK(ranges.close() == offset_range{42, 43});
}

TEST_CASE("a range that was begun is made again exactly", "[transfer][hdfs]") {
    hdfs_ranges ranges{100, offset_range{100, 110}};
    CHECK(ranges.repeating());
    CHECK_FALSE(ranges.add(100));
    SECTION("up to its last record") {
        CHECK(ranges.add(110));
        CHECK(ranges.close() == offset_range{100, 110});
    }
    SECTION("also where its last record is gone") {
        CHECK_FALSE(ranges.beyond(109));
        CHECK(ranges.beyond(111));
        CHECK(ranges.close() == offset_range{100, 110});
    }
    CHECK_FALSE(ranges.repeating());
    CHECK_FALSE(ranges.beyond(200));
    ranges.add(115);
    CHECK(ranges.close() == offset_range{111, 115});
}

TEST_CASE("a range whose front is gone keeps its name", "[transfer][hdfs]") {
    hdfs_ranges ranges{105, offset_range{100, 110}};
    ranges.add(110);
    CHECK(ranges.close() == offset_range{100, 110});
}

TEST_CASE("a range that is gone altogether is not repeated", "[transfer][hdfs]") {
    hdfs_ranges ranges{111, offset_range{100, 110}};
    CHECK_FALSE(ranges.repeating());
    ranges.add(111);
    CHECK(ranges.close() == offset_range{111, 111});
}

sink_options rolling(std::uint64_t bytes, std::uint64_t records) {
    sink_options how;
    how.roll_bytes = bytes;
    how.roll_records = records;
    how.roll_age = 300s;
    how.roll_idle = 60s;
    return how;
}

TEST_CASE("a range is full by bytes, records or hours", "[transfer][hdfs]") {
    const hdfs_roll roll{rolling(1000, 10)};
    hdfs_gathered have;
    have.bytes = 999;
    have.records = 9;
    have.hours = 47;
    CHECK_FALSE(roll.full(have));
    SECTION("bytes") {
        have.bytes = 1000;
    }
    SECTION("records") {
        have.records = 10;
    }
    SECTION("hours") {
        have.hours = 48;
    }
    CHECK(roll.full(have));
}

TEST_CASE("no limit of records is none", "[transfer][hdfs]") {
    hdfs_gathered have;
    have.records = 1'000'000'000;
    CHECK_FALSE(hdfs_roll{rolling(1000, 0)}.full(have));
}

TEST_CASE("a range ends by the clock without another record", "[transfer][hdfs]") {
    const hdfs_roll roll{rolling(1000, 0)};
    const std::chrono::steady_clock::time_point start{1000s};
    hdfs_gathered have;
    CHECK(roll.due(have) == std::chrono::steady_clock::time_point::max());
    have.records = 1;
    have.first = have.last = start;
    CHECK(roll.due(have) == start + 60s);  // idle
    have.last = start + 290s;
    CHECK(roll.due(have) == start + 300s);  // age
}

constexpr std::int64_t hour_ms = 3'600'000;

TEST_CASE("hours are marked five minutes after their end, in Kafka's time", "[transfer][hdfs]") {
    const auto marks = [](std::optional<utc_hour> marked, std::int64_t time_ms) {
        return hours_to_mark(marked, time_ms, 1'000'000 * hour_ms);
    };
    const utc_hour h = 500;
    // At the very beginning nothing is known about the hours before.
    CHECK(marks(std::nullopt, h * hour_ms + hour_ms / 2) == hdfs_hours{h, h});
    CHECK(marks(h, (h + 1) * hour_ms) == hdfs_hours{h, h});
    CHECK(marks(h, (h + 1) * hour_ms + 300'000) == hdfs_hours{h, h + 1});
    CHECK(marks(h, (h + 3) * hour_ms + 300'000) == hdfs_hours{h, h + 3});
    // It never goes back, and a long silence is not made up for.
    CHECK(marks(h, (h - 3) * hour_ms) == hdfs_hours{h, h});
    CHECK(marks(h, (h + 1000) * hour_ms + 300'000) == hdfs_hours{h + 952, h + 1000});
}

TEST_CASE("a time from the future, or none, marks nothing", "[transfer][hdfs]") {
    const utc_hour h = 500;
    CHECK(hours_to_mark(h, (h + 9) * hour_ms, h * hour_ms) == hdfs_hours{h, h});
    CHECK(hours_to_mark(h, -1, h * hour_ms) == hdfs_hours{h, h});
    CHECK(hours_to_mark(std::nullopt, -1, h * hour_ms) == hdfs_hours{0, 0});
}

}  // namespace
}  // namespace logagent::transfer
