#include "logagent/tail/replay_plan.hpp"

#include <filesystem>

#include "generation_fixture.hpp"

namespace logagent::tail {
namespace {

using fixture = test::generation_fixture;
using ranges = std::vector<checkpoint::range>;
using test::gzipped;

/// Ten lines of 10 bytes.
std::string ten(char letter) {
    std::string out;
    for (int at = 0; at < 10; ++at)
        out += std::string(8, letter) + std::to_string(at) + "\n";
    return out;
}

template <class What>
replay_plan plan(fixture& at, What what, std::optional<checkpoint::generation_id> of = {}) {
    replay_request wanted;
    wanted.path = at.path;
    wanted.generation = of;
    wanted.what = what;
    return make_replay_plan(wanted, at.find());
}

template <class What>
std::string refusal(fixture& at, What what, std::optional<checkpoint::generation_id> of = {}) {
    try {
        plan(at, what, of);
    } catch (const replay_refusal& refused) {
        return refused.what();
    }
    return {};
}

bool mentions(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("offsets are widened to whole lines of the current file", "[replay_plan]") {
    fixture at;
    at.write("app.log", ten('a'), 1);
    at.write("app.log.1", ten('b'), 0);
    const auto found = plan(at, offset_range{15, 31});
    REQUIRE(found.parts.size() == 1);
    CHECK(found.parts[0].file.current);
    CHECK(found.parts[0].ranges == ranges{{10, 40}});
    CHECK(found.bytes == 30);
    CHECK(found.parts[0].file.id);
    CHECK(plan(at, offset_range{20, 30}).parts[0].ranges == ranges{{20, 30}});
    CHECK(plan(at, offset_range{0, {}}).parts[0].ranges == ranges{{0, 100}});
    CHECK(plan(at, offset_range{99, 100}).parts[0].ranges == ranges{{90, 100}});
}

TEST_CASE("offsets behind the end are refused with the size", "[replay_plan]") {
    fixture at;
    at.write("app.log", ten('a') + "half a line", 1);
    CHECK(mentions(refusal(at, offset_range{100, {}}), "has 100 bytes of whole lines"));
    CHECK(mentions(refusal(at, offset_range{0, 112}), "has 111 bytes"));
    CHECK(refusal(at, offset_range{0, 111}).empty());
}

TEST_CASE("a last line without end is left out of the current file only", "[replay_plan]") {
    fixture at;
    at.write("app.log.1", ten('b') + "cut", 0);
    at.write("app.log", ten('a') + "growing", 1);
    const auto found = plan(at, last_bytes{1000});
    REQUIRE(found.parts.size() == 2);
    CHECK(found.parts[0].ranges == ranges{{0, 103}});
    CHECK(found.parts[1].ranges == ranges{{0, 100}});
    CHECK(found.bytes == 203);
    REQUIRE(found.notes.size() == 1);
    CHECK(mentions(found.notes[0], "only 203 bytes"));
}

TEST_CASE("the last bytes reach back over packed generations", "[replay_plan]") {
    fixture at;
    at.write("app.log.2.gz", gzipped(ten('c')), 0);
    at.write("app.log.1.gz", gzipped(ten('b')), 1);
    at.write("app.log", ten('a'), 2);
    const auto found = plan(at, last_bytes{125});
    REQUIRE(found.parts.size() == 2);
    CHECK(found.parts[0].file.path.ends_with("app.log.1.gz"));
    CHECK(found.parts[0].ranges == ranges{{70, 100}});
    CHECK(found.parts[1].ranges == ranges{{0, 100}});
    CHECK(found.notes.empty());
}

TEST_CASE("a generation is chosen by its id, wherever it lies", "[replay_plan]") {
    fixture at;
    const auto file = at.write("app.log", ten('a'), 1);
    const auto id = at.remember(file, ten('a'), 3);
    std::filesystem::rename(file, at.directory / "app.log.1");
    at.write("app.log", ten('b'), 2);
    const auto found = plan(at, offset_range{0, {}}, id);
    REQUIRE(found.parts.size() == 1);
    CHECK(found.parts[0].file.id == id);
    CHECK(found.parts[0].file.known);

    // One that is derived is chosen by it too.
    const auto derived = plan(at, offset_range{0, {}}).parts[0].file.id;
    REQUIRE(derived);
    CHECK(plan(at, offset_range{0, {}}, derived).parts[0].file.current);

    checkpoint::generation_id other;
    other.bits[3] = 9;
    CHECK(mentions(refusal(at, offset_range{0, {}}, other), other.text()));
}

TEST_CASE("a span of time takes from every generation what lies in it", "[replay_plan]") {
    fixture at;
    constexpr std::int64_t begin_ms = 1'795'475'460'000;
    const auto lines = [](int first) {
        std::string out;
        for (int second = first; second < first + 10; ++second) {
            char room[40];
            out += std::string{format_moment(begin_ms + second * 1000, room)} + "\n";
        }
        return out;
    };
    at.write("app.log.2.gz", gzipped(lines(0)), 10);
    at.write("app.log.1", lines(10), 20);
    at.write("app.log", lines(20), 30);
    const std::uint64_t line = lines(0).size() / 10;
    const auto found = plan(at, time_span{begin_ms + 5000, begin_ms + 22'000});
    REQUIRE(found.parts.size() == 3);
    CHECK(found.parts[0].ranges == ranges{{5 * line, 10 * line}});
    CHECK(found.parts[1].ranges == ranges{{0, 10 * line}});
    CHECK(found.parts[2].ranges == ranges{{0, 2 * line}});
    CHECK(found.parts[0].stamps == time_format::iso);

    // Copied later: what was there before is days younger than the lines.
    constexpr int ten_days = 864'000;
    at.write("app.log.1", lines(10), ten_days);
    at.write("app.log", lines(20), ten_days + 10);
    CHECK(plan(at, time_span{begin_ms + 5000, begin_ms + 22'000}).parts.size() == 3);

    const auto nothing = plan(at, time_span{begin_ms + 60'000, {}});
    CHECK(nothing.parts.empty());
    CHECK(nothing.bytes == 0);
}

TEST_CASE("where several lines are a record, ranges hold whole ones", "[replay_plan]") {
    fixture at;
    at.write("app.log", "* one\n  more\n* two\n  more\n  more\n* three\n  more\nhalf", 1);
    replay_request wanted;
    wanted.path = at.path;
    wanted.begins_record = [](std::string_view line) { return line.starts_with('*'); };
    const auto widened = [&](std::uint64_t begin, std::uint64_t end) {
        wanted.what = offset_range{begin, end};
        return make_replay_plan(wanted, at.find()).parts[0].ranges;
    };
    CHECK(widened(0, 6) == ranges{{0, 13}});
    CHECK(widened(13, 19) == ranges{{13, 33}});
    CHECK(widened(28, 30) == ranges{{13, 33}});
    CHECK(widened(8, 14) == ranges{{0, 33}});
    CHECK(widened(33, 34) == ranges{{33, 48}});
}

TEST_CASE("a span of time needs time stamps", "[replay_plan]") {
    fixture at;
    at.write("app.log", ten('a'), 1);
    CHECK(mentions(refusal(at, time_span{1, {}}), "carry no time stamp"));
}

TEST_CASE("a file that is not there is refused by its name", "[replay_plan]") {
    fixture at;
    CHECK(mentions(refusal(at, offset_range{0, {}}), at.path));
}

TEST_CASE("damaged packed data is refused where it is needed", "[replay_plan]") {
    fixture at;
    at.write("app.log.1.gz", gzipped(std::string(100'000, 'x')).substr(0, 60), 1);
    at.write("app.log", ten('a'), 2);
    CHECK(refusal(at, last_bytes{50}).empty());
    CHECK(mentions(refusal(at, last_bytes{500}), "is not complete"));
}

TEST_CASE("a replay that goes on sends what is behind its place and was there at its beginning",
          "[replay_plan]") {
    fixture at;
    const auto first = at.remember(at.write("app.log.2", ten('a'), 0), ten('a'), 1);
    const auto second = at.remember(at.write("app.log.1", ten('b'), 1), ten('b'), 2);
    const auto third = at.remember(at.write("app.log", ten('c'), 2), ten('c'), 3);
    replay_request wanted;
    wanted.path = at.path;
    wanted.what = last_bytes{5};  // says nothing any more
    wanted.from = replay_point{second, 40};
    wanted.to = replay_point{third, 70};
    const auto found = make_replay_plan(wanted, at.find());
    REQUIRE(found.parts.size() == 2);
    CHECK(found.parts[0].file.id == second);
    CHECK(found.parts[0].ranges == ranges{{40, 100}});
    CHECK(found.parts[1].file.id == third);
    CHECK(found.parts[1].ranges == ranges{{0, 70}});
    CHECK(found.bytes == 130);
    CHECK(found.notes.empty());

    SECTION("also by offsets of a file that was rotated meanwhile") {
        wanted.what = offset_range{20, {}};
        wanted.from = replay_point{second, 40};
        wanted.to = replay_point{second, 60};
        const auto one = make_replay_plan(wanted, at.find());
        REQUIRE(one.parts.size() == 1);
        CHECK(one.parts[0].file.id == second);
        CHECK(one.parts[0].ranges == ranges{{40, 60}});
    }
    SECTION("nothing is left") {
        wanted.from = wanted.to;
        CHECK(make_replay_plan(wanted, at.find()).parts.empty());
    }
    SECTION("a generation that is gone is named") {
        REQUIRE(std::filesystem::remove(at.path + ".1"));
        at.known.generations.erase(second);
        CHECK_THROWS_WITH(
            make_replay_plan(wanted, at.find()),
            "generation " + second.text() + " of " + at.path + " is not in its directory any more");
    }
    CHECK(first != second);
}

}  // namespace logagent::tail
