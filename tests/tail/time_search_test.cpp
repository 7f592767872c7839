#include "logagent/tail/time_search.hpp"

#include "logagent/tail/line_scan.hpp"
#include "memory_file.hpp"
#include "support/test.hpp"

namespace logagent::tail {
namespace {

constexpr std::int64_t begin_ms = 1'795'475'460'000;

std::string stamped(std::int64_t ms, const std::string& text) {
    char room[40];
    return std::string{format_moment(ms, room)} + " " + text + "\n";
}

/// The bytes of the ranges, one after the other.
std::string chosen(const test::memory_file& file, const time_finding& found) {
    std::string out;
    std::uint64_t last = 0;
    for (const auto& range : found.ranges) {
        REQUIRE((out.empty() || range.begin > last));
        REQUIRE(range.begin < range.end);
        last = range.end;
        out += file.content.substr(range.begin, range.end - range.begin);
    }
    return out;
}

std::string search(const test::memory_file& file, time_span span, bool seekable = true) {
    const auto found = find_times(file, file.content.size(), seekable, span, begin_ms);
    REQUIRE(found.error == 0);
    return chosen(file, found);
}

}  // namespace

TEST_CASE("lines are chosen by their own times, the end is outside", "[time_search]") {
    std::string content;
    for (int second = 0; second < 10; ++second)
        content += stamped(begin_ms + second * 1000, "line " + std::to_string(second));
    const test::memory_file file{content, 7};
    const std::size_t line = content.size() / 10;
    CHECK(search(file, {begin_ms + 2000, begin_ms + 4000}) == content.substr(2 * line, 2 * line));
    CHECK(search(file, {begin_ms + 2001, {}}) == content.substr(3 * line));
    CHECK(search(file, {{}, begin_ms + 1}) == content.substr(0, line));
    CHECK(search(file, {{}, {}}) == content);
    CHECK(search(file, {begin_ms + 60'000, {}}).empty());
    CHECK(search(file, {{}, begin_ms}).empty());
}

TEST_CASE("a line without a time belongs to the one before it", "[time_search]") {
    const auto one = stamped(begin_ms, "fails");
    const std::string trace = "\tat one\n\n\tat two\n";
    const auto two = stamped(begin_ms + 5000, "goes on");
    const test::memory_file file{"banner\n" + one + trace + two};
    CHECK(search(file, {begin_ms, begin_ms + 1000}) == one + trace);
    CHECK(search(file, {begin_ms + 1000, {}}) == two);
    // Nobody knows when the banner was written.
    CHECK(search(file, {{}, begin_ms + 1000}) == one + trace);
}

TEST_CASE("a file without times says so", "[time_search]") {
    const test::memory_file file{"one\ntwo\n"};
    const auto found = find_times(file, 8, true, {begin_ms, {}}, begin_ms);
    CHECK(found.format == time_format::none);
    CHECK(found.ranges.empty());
}

TEST_CASE("the last line counts with and without its end", "[time_search]") {
    auto content = stamped(begin_ms, "one") + stamped(begin_ms + 1000, "two");
    content.pop_back();
    CHECK(search(test::memory_file{content}, {begin_ms + 1000, {}}).ends_with("two"));
}

TEST_CASE("in a large sorted file only little is read", "[time_search]") {
    std::string content;
    constexpr std::int64_t count = 200'000;
    for (std::int64_t at = 0; at < count; ++at)
        content += stamped(begin_ms + at * 1000,
                           "a line of some length, number " + std::to_string(1'000'000 + at));
    const auto line = content.size() / count;
    const test::memory_file file{std::move(content)};
    const auto got = search(file, {begin_ms + 100'000'000, begin_ms + 150'000'000});
    CHECK(got == file.content.substr(100'000 * line, 50'000 * line));
    CHECK(file.read_bytes < file.content.size());

    // The same, looked at line by line.
    CHECK(search(file, {begin_ms + 100'000'000, begin_ms + 150'000'000}, false) == got);
}

TEST_CASE("times that overtake each other a little, or lie in any order, are chosen exactly",
          "[time_search]") {
    const auto disorder = GENERATE(20'000, 2'000'000'000);
    std::uint32_t random = 1;
    std::string content;
    std::vector<std::pair<std::int64_t, std::string>> all;
    for (std::int64_t at = 0; at < 60'000; ++at) {
        random = random * 1664525 + 1013904223;
        const std::int64_t ms = begin_ms + at * 1000 + random % static_cast<unsigned>(disorder);
        all.emplace_back(ms, stamped(ms, "number " + std::to_string(at)));
        content += all.back().second;
    }
    const time_span span{begin_ms + 20'000'000, begin_ms + 30'000'000};
    std::string wanted;
    for (const auto& [ms, line] : all)
        if (span.holds(ms)) wanted += line;
    const test::memory_file file{std::move(content)};
    REQUIRE(file.content.size() > (1u << 20));
    CHECK((search(file, span) == wanted));
}

TEST_CASE("lines are met whole, whatever a read brings", "[time_search]") {
    const auto most = GENERATE(1u, 3u, 100'000u);
    const std::string content = "a\n\n" + std::string(700, 'b') + "\r\ncc\nrest";
    const test::memory_file file{content, most};
    std::string all;
    std::vector<std::string> fronts;
    std::uint64_t next = 0;
    CHECK(scan_lines(file, 0, content.size(), [&](const scanned_line& line) {
              CHECK(line.begin == next);
              next = line.end;
              CHECK(line.terminated == (line.end < content.size()));
              fronts.emplace_back(line.front);
              return true;
          }) == 0);
    CHECK(next == content.size());
    CHECK(fronts == std::vector<std::string>{"a", "", std::string(512, 'b'), "cc", "rest"});
}

TEST_CASE("the bounds of a line are found from any byte in it", "[time_search]") {
    const std::string content = "one\n" + std::string(40'000, 'x') + "\nlast";
    const test::memory_file file{content};
    const auto start = [&](std::uint64_t offset) {
        std::uint64_t out = 99;
        CHECK(line_start(file, offset, out) == 0);
        return out;
    };
    const auto end = [&](std::uint64_t offset) {
        std::uint64_t out = 99;
        CHECK(line_end(file, offset, content.size(), out) == 0);
        return out;
    };
    CHECK(start(0) == 0);
    CHECK(start(3) == 0);
    CHECK(start(4) == 4);
    CHECK(start(40'004) == 4);
    CHECK(start(40'005) == 40'005);
    CHECK(start(40'009) == 40'005);
    CHECK(end(1) == 4);
    CHECK(end(4) == 4);
    CHECK(end(5) == 40'005);
    CHECK(end(40'006) == content.size());
}

}  // namespace logagent::tail
