#include "logagent/tail/line_time.hpp"

#include <cstdlib>
#include <ctime>
#include <string>

#include "support/test.hpp"

using namespace logagent::tail;

namespace {

/// The local time of a place, until the end of the scope.
struct local_time_of {
    explicit local_time_of(const char* zone) {
        if (const char* before = std::getenv("TZ")) before_ = before;
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
    ~local_time_of() {
        if (before_.empty())
            ::unsetenv("TZ");
        else
            ::setenv("TZ", before_.c_str(), 1);
        ::tzset();
    }
    std::string before_;
};

constexpr std::int64_t moment = 1'795'475'460'000;  // 2026-11-23T23:11:00Z

std::optional<std::int64_t> read(std::string_view line, time_format wanted,
                                 std::int64_t modified = moment) {
    line_clock clock{modified};
    const auto found = clock.read(line);
    CHECK(clock.format() == (found ? wanted : time_format::none));
    return found;
}

}  // namespace

TEST_CASE("the stamps of common logs are read", "[line_time]") {
    const local_time_of place{"UTC0"};
    CHECK(read("10.0.0.1 - - [23/Nov/2026:23:11:00 +0000] \"GET / HTTP/1.1\" 200 1",
               time_format::nginx) == moment);
    CHECK(read("10.0.0.1 - - [24/Nov/2026:00:41:00 +0130] \"GET /\"", time_format::nginx) ==
          moment);
    CHECK(read("2026-11-23T23:11:00Z started", time_format::iso) == moment);
    CHECK(read("2026-11-23T23:11:00.123456Z started", time_format::iso) == moment + 123);
    CHECK(read("2026-11-23 23:11:00,5 INFO x", time_format::iso) == moment + 500);
    CHECK(read("2026-11-23T18:11:00-05:00 x", time_format::iso) == moment);
    CHECK(read("2026-11-24 00:11:00 +0100 x", time_format::iso) == moment);
    CHECK(read("2026/11/23 23:11:00 [error] 7#7: x", time_format::iso) == moment);
    CHECK(read(R"({"time":"2026-11-23T23:11:00.007Z","level":"info"})", time_format::iso) ==
          moment + 7);
    CHECK(read("Nov 23 23:11:00 host sshd[7]: x", time_format::syslog) == moment);
    CHECK(read("<34>Nov 23 23:11:00 host su: x", time_format::syslog) == moment);
    CHECK(read("1795475460 x", time_format::epoch_s) == moment);
    CHECK(read("[1795475460.25] x", time_format::epoch_s) == moment + 250);
    CHECK(read("1795475460123 x", time_format::epoch_ms) == moment + 123);
    CHECK(read(R"({"ts":1795475460123,"msg":"x"})", time_format::epoch_ms) == moment + 123);
}

TEST_CASE("what only looks like a stamp is none", "[line_time]") {
    const auto* line =
        GENERATE("", "hello", "\tat com.example.Main(Main.java:11)",
                 "[31/Nux/2026:23:11:00 +0000] x", "[23/Nov/2026:25:11:00 +0000] x",
                 "2026-13-23T23:11:00Z", "2026-11-23", "order 17954754601 x", "id=x1795475460",
                 "Novx23 23:11:00", "0.1795475460 x", "phone 0123456789");
    CAPTURE(line);
    line_clock clock{moment};
    CHECK_FALSE(clock.read(line));
}

TEST_CASE("a stamp without zone is local time", "[line_time]") {
    const local_time_of place{"CET-1"};
    CHECK(read("2026-11-24 00:11:00 x", time_format::iso) == moment);
    CHECK(read("Nov 24 00:11:00 h x", time_format::syslog) == moment);
    CHECK(read("2026-11-23T23:11:00Z x", time_format::iso) == moment);
}

TEST_CASE("a stamp without year is of the last one in which it is not later than the file",
          "[line_time]") {
    const local_time_of place{"UTC0"};
    constexpr std::int64_t new_year = 1'798'761'600'000;  // 2027-01-01T00:00:00Z
    CHECK(read("Dec 31 23:59:59 h x", time_format::syslog, new_year + 5000) == new_year - 1000);
    CHECK(read("Jan  1 00:00:01 h x", time_format::syslog, new_year + 5000) == new_year + 1000);
    // The writer's clock may be ahead of the file system's.
    CHECK(read("Jan  1 00:00:09 h x", time_format::syslog, new_year + 5000) == new_year + 9000);
}

TEST_CASE("the first stamp of a file decides the format of all", "[line_time]") {
    line_clock clock{moment};
    CHECK_FALSE(clock.read("a banner without time"));
    CHECK(clock.read("2026-11-23T23:11:00Z x") == moment);
    CHECK_FALSE(clock.read("1795475460123 is a number in a text that goes on"));
    CHECK(clock.read("2026-11-23T23:11:01Z y") == moment + 1000);
}

TEST_CASE("a stamp far behind the front of a line is not looked for", "[line_time]") {
    line_clock clock{moment};
    CHECK_FALSE(clock.read(std::string(600, 'x') + " 2026-11-23T23:11:00Z"));
}

TEST_CASE("people write moments in several ways", "[line_time]") {
    const local_time_of place{"CET-1"};
    const std::int64_t now = moment + 999;
    CHECK(parse_moment("now", now) == now);
    CHECK(parse_moment("2026-11-23T23:11:00Z", now) == moment);
    CHECK(parse_moment("2026-11-23T23:11:00.250Z", now) == moment + 250);
    CHECK(parse_moment("2026-11-24T00:11", now) == moment);
    CHECK(parse_moment("2026-11-24 00:11:00", now) == moment);
    CHECK(parse_moment("2026-11-24 00:11+01:00", now) == moment);
    CHECK(parse_moment("2026-11-24", now) == moment - 11 * 60'000);
    CHECK(parse_moment("1795475460", now) == moment);
    CHECK(parse_moment("1795475460123", now) == moment + 123);
    CHECK(parse_moment("2h", now) == now - 7'200'000);
    CHECK(parse_moment("90s ago", now) == now - 90'000);
    CHECK(parse_moment("3d", now) == now - 3 * 86'400'000);
    for (const auto* wrong : {"", "yesterday", "2026-11", "2026-11-31x", "2026-02-30", "12", "h",
                              "2h3", "2026-11-23T23", "2026-11-23T23:11:00Zx", "-5m"})
        CHECK_FALSE(parse_moment(wrong, now));
}

TEST_CASE("a moment is printed in UTC", "[line_time]") {
    char room[40];
    CHECK(format_moment(moment + 7, room) == "2026-11-23T23:11:00.007Z");
}

TEST_CASE("one line alone tells its time", "[line_time]") {
    const auto at = [](std::string_view line) { return line_moments{0}.find(line, moment + 5000); };
    CHECK(at("10.0.0.1 - - [23/Nov/2026:23:11:00 +0000] \"GET / HTTP/1.1\" 200 1") == moment);
    CHECK(at("2026-11-23 23:11:00,5 INFO x") == moment + 500);
    CHECK(at("2026/11/23 23:11:00 [error] 7#7: x") == moment);
    CHECK(at("<34>1 2026-11-23T23:11:00Z host app x") == moment);
    CHECK(at("Nov 23 23:11:00 host sshd[7]: x") == moment);
    CHECK(at("[1795475460.25] x") == moment + 250);
    CHECK(at("1795475460123 x") == moment + 123);
    CHECK(at(R"({"level":"info","ts":1795475460.5})") == moment + 500);
    CHECK(at(R"({"timestamp": "1795475460123"})") == moment + 123);
}

TEST_CASE("a number in a line is not its time", "[line_time]") {
    CHECK_FALSE(line_moments{0}.find("order 1795475460 paid", moment));
    CHECK_FALSE(line_moments{0}.find(R"({"order":1795475460123})", moment));
    CHECK_FALSE(line_moments{0}.find("call 2026-11-23", moment));
    CHECK_FALSE(line_moments{0}.find("v12026-11-23 23:11:00", moment));
    CHECK_FALSE(line_moments{0}.find("2026-13-23 23:11:00", moment));
    CHECK_FALSE(line_moments{0}.find("", moment));
}

TEST_CASE("a line without a zone is in the zone that was given, whatever that of the process",
          "[line_time]") {
    for (const char* process : {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "NST+3:30"}) {
        const local_time_of place{process};
        CHECK(line_moments{60}.find("2026-11-24 00:11:00 x", moment) == moment);
        CHECK(line_moments{480}.find("2026-11-24 07:11:00,250 x", moment) == moment + 250);
        CHECK(line_moments{-210}.find("Nov 23 19:41:00 host x", moment) == moment);
        CHECK(line_moments{480}.find("2026-11-23 23:11:00 +0000 x", moment) == moment);
        CHECK(line_moments{0}.find("2026-03-29 02:30:00 x", moment) == 1'774'751'400'000);
    }
}

TEST_CASE("a line without a year belongs to the year before its record", "[line_time]") {
    constexpr std::int64_t new_year = 1'798'761'600'000;  // 2027-01-01T00:00:00Z
    CHECK(line_moments{0}.find("Dec 31 23:59:59 host x", new_year) == new_year - 1000);
    CHECK(line_moments{0}.find("Jan  1 00:00:00 host x", new_year) == new_year);
    // In a zone where the year has begun already.
    CHECK(line_moments{480}.find("Jan  1 07:59:00 host x", new_year) == new_year - 60'000);
}
