#include "agent/dead_letter_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "logagent/tail/collector.hpp"
#include "os/temporary_directory.hpp"
#include "support/test.hpp"

namespace logagent::agent {

using namespace std::chrono_literals;

namespace {

const std::chrono::steady_clock::time_point start{1000s};

tail::dead_letter letter(std::string value, std::string range = "0-10") {
    tail::dead_letter made;
    made.topic = "web.dead";
    made.key = R"(["h","s","/l/a","g",0,10])";
    made.value = std::move(value);
    made.reason = "oversize";
    made.range = std::move(range);
    return made;
}

/// What lies in a directory, oldest first.
std::vector<std::string> contents(const std::string& directory) {
    std::vector<std::filesystem::path> paths;
    for (const auto& one : std::filesystem::directory_iterator{directory})
        paths.push_back(one.path());
    std::ranges::sort(paths);
    std::vector<std::string> out;
    for (const auto& path : paths) {
        std::ifstream file{path, std::ios::binary};
        out.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
    }
    return out;
}

}  // namespace

TEST_CASE("a dead letter is kept with everything that is known about it", "[dead_letter]") {
    test::temporary_directory state;
    dead_letter_files files{state / "dead", {}};
    REQUIRE(files.keep(letter("a\nb"), start, 1'700'000'000'000));
    CHECK(contents(state / "dead") ==
          std::vector<std::string>{
              "web.dead\t[\"h\",\"s\",\"/l/a\",\"g\",0,10]\toversize\t0-10\na\nb\n"});
    CHECK(files.last_problem().empty());
}

TEST_CASE("letters with one range in one millisecond are all kept", "[dead_letter]") {
    test::temporary_directory state;
    dead_letter_files files{state / "dead", {}};
    for (const auto* value : {"one", "two", "three"})
        REQUIRE(files.keep(letter(value), start, 5));
    CHECK(contents(state / "dead").size() == 3);
}

TEST_CASE("a letter that cannot be written is not taken for kept", "[dead_letter]") {
    test::temporary_directory state;
    SECTION("there is no directory") {
        state.file("dead");
    }
    SECTION("the disk refuses") {
        // A range that no file name can hold stands for a disk that refuses.
        std::filesystem::create_directory(state / "dead");
        dead_letter_files files{state / "dead", {}};
        CHECK_FALSE(files.keep(letter("x", std::string(300, '1')), start, 1));
        CHECK(files.last_problem().find("File name too long") != std::string::npos);
        CHECK(files.keep(letter("x"), start, 1));
        CHECK(files.last_problem().empty());
        return;
    }
    dead_letter_files files{state / "dead", {}};
    CHECK_FALSE(files.keep(letter("x"), start, 1));
    CHECK(files.last_problem().find(state / "dead") != std::string::npos);
}

TEST_CASE("beyond the limit the oldest letters go, those of earlier runs first", "[dead_letter]") {
    test::temporary_directory state;
    const std::string value(1000, 'x');
    {
        dead_letter_files before{state / "dead", {4000, 100}};
        REQUIRE(before.keep(letter("1" + value), start, 10));
        REQUIRE(before.keep(letter("2" + value), start, 11));
    }
    dead_letter_files files{state / "dead", {4000, 100}};
    for (const auto* number : {"3", "4", "5"})
        REQUIRE(files.keep(letter(number + value), start, 12));
    CHECK(files.removed() == 2);
    const auto kept = contents(state / "dead");
    REQUIRE(kept.size() == 3);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(kept[i].find("\n" + std::to_string(3 + i) + "xxx") != std::string::npos);
}

TEST_CASE("only so many letters a second wait for the disk", "[dead_letter]") {
    test::temporary_directory state;
    dead_letter_files files{state / "dead", {1 << 20, 2}};
    CHECK(files.keep(letter("1"), start, 1));
    CHECK(files.keep(letter("2"), start + 500ms, 1));
    CHECK_FALSE(files.keep(letter("3"), start + 900ms, 1));
    CHECK(files.last_problem().empty());
    CHECK(files.keep(letter("3"), start + 1s, 1));
}

}  // namespace logagent::agent
