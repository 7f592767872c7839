#include "logagent/tail/generation_files.hpp"

#include <cerrno>
#include <filesystem>

#include "generation_fixture.hpp"

namespace logagent::tail {
namespace {

using fixture = test::generation_fixture;
using test::gzipped;
using test::numbered;

std::vector<std::string> names(const generation_listing& found) {
    std::vector<std::string> out;
    for (const auto& file : found.files)
        out.push_back(std::filesystem::path{file.path}.filename());
    return out;
}

}  // namespace

TEST_CASE("rotated names are told from other logs", "[generation_files]") {
    for (const auto* name : {"app.log.1", "app.log.12.gz", "app.log-20261123", "app.log.old",
                             "app.log-20261123.zst", "app.log.gz", "app.log_2026",
                             "app-20261123.log", "app-2026-11-23.log.gz", "app.20261123-04.log"})
        CHECK(is_rotated_name("app.log", name));
    for (const auto* name :
         {"app.log.lock", "app.log.new", "app.logs", "app-2.log", "app.txt", "app-error.log",
          "other.log.1", "app", "app.log.bz2", "app-20261123.txt"})
        CHECK_FALSE(is_rotated_name("app.log", name));
}

TEST_CASE("generations are found in the order of their age, the current one last",
          "[generation_files]") {
    fixture at;
    at.write("app.log", "new\n", 10);
    at.write("app.log.1", numbered("b", 5), 20);  // copied: written after the current one
    at.write("app.log.2.gz", gzipped(numbered("a", 5)), 1);
    at.write("other.log.1", "x\n", 2);
    at.write("app.log.3", "", 0);
    const auto found = at.find();
    CHECK(names(found) == std::vector<std::string>{"app.log.2.gz", "app.log.1", "app.log"});
    CHECK(found.notes.empty());
    CHECK(found.files[0].packed == os::compression::gzip);
    CHECK_FALSE(found.files[0].size);
    CHECK(found.files[1].size == 20);
    CHECK(found.files[2].current);
}

TEST_CASE("a generation of the journal is known again when renamed, copied and compressed",
          "[generation_files]") {
    fixture at;
    const auto content = numbered("a line of the old generation", 100);
    const auto old = at.write("app.log", content, 1);
    const auto id = at.remember(old, content, 7);
    SECTION("where it was") {}
    SECTION("renamed") {
        std::filesystem::rename(old, at.directory / "app.log.1");
    }
    SECTION("renamed to what no rotation is called") {
        std::filesystem::rename(old, at.directory / "kept");
    }
    SECTION("copied, and the original truncated") {
        at.write("app.log.1", content, 2);
        at.write("app.log", "the new life\n", 3);
    }
    SECTION("compressed") {
        at.write("app.log.1.gz", gzipped(content), 2);
        std::filesystem::remove(old);
    }
    SECTION("grown meanwhile") {
        at.write("app.log", content + "more\n", 2);
    }
    const auto found = at.find();
    REQUIRE_FALSE(found.files.empty());
    CHECK(found.files[0].known);
    CHECK(found.files[0].id == id);
}

TEST_CASE("known generations keep their order when copies lost their times", "[generation_files]") {
    fixture at;
    const auto first = numbered("first", 100);
    const auto second = numbered("second", 100);
    at.remember(at.write("app.log.2", first, 1), first, 1);
    at.remember(at.write("app.log.1", second, 2), second, 2);
    at.write("app.log.3", numbered("older than both", 3), 0);
    std::filesystem::remove(at.directory / "app.log.2");
    at.write("app.log.2.gz", gzipped(first), 9);
    CHECK(names(at.find()) == std::vector<std::string>{"app.log.3", "app.log.2.gz", "app.log.1"});
}

TEST_CASE("a generation whose head the journal has not is known by what lies before its position",
          "[generation_files]") {
    fixture at;
    const auto content = numbered("line", 100);
    const auto id = at.remember(at.write("app.log", content, 1), content, 1);
    at.known.generations[id].identity.head_size = 0;
    at.known.generations[id].identity.head_hash = hash("");
    at.write("app.log.1.gz", gzipped(content), 1);
    at.write("app.log", "another life\n", 2);
    at.write("app.log.2.gz", gzipped(numbered("else", 100)), 1);
    const auto found = at.find();
    REQUIRE(found.files.size() == 3);
    for (const auto& file : found.files)
        CHECK(file.known == file.path.ends_with("1.gz"));
}

TEST_CASE("equal heads do not make two files one generation", "[generation_files]") {
    fixture at;
    const std::string banner(2000, '=');
    const auto one = banner + "\n" + numbered("first", 10);
    const auto two = banner + "\n" + numbered("second", 10);
    const auto file = at.write("app.log.2", one, 1);
    at.remember(file, one, 1);
    std::filesystem::remove(file);
    at.write("app.log.1.gz", gzipped(two), 2);
    const auto found = at.find();
    REQUIRE(found.files.size() == 1);
    CHECK_FALSE(found.files[0].known);
}

TEST_CASE("a file that was rewritten in its place is another generation", "[generation_files]") {
    fixture at;
    const std::string banner(2000, '=');
    const auto content = banner + "\n" + numbered("first", 100);
    at.remember(at.write("app.log", content, 1), content, 1);
    at.write("app.log", banner + "\nshort\n", 2);
    const auto found = at.find();
    REQUIRE(found.files.size() == 1);
    CHECK_FALSE(found.files[0].known);
}

TEST_CASE("while a file is being compressed it counts once", "[generation_files]") {
    fixture at;
    const auto content = numbered("line", 100);
    const auto file = at.write("app.log.1", content, 1);
    at.write("app.log.1.gz", gzipped(content).substr(0, 40), 2);
    SECTION("known") {
        at.remember(file, content, 1);
    }
    SECTION("not known") {}
    const auto found = at.find();
    CHECK(names(found) == std::vector<std::string>{"app.log.1"});
}

TEST_CASE("what cannot be unpacked is left out with a reason", "[generation_files]") {
    fixture at;
    at.write("app.log", "line\n", 9);
    at.write("app.log.1.gz", "no packed data", 1);
    const auto found = at.find();
    CHECK(names(found) == std::vector<std::string>{"app.log"});
    REQUIRE(found.notes.size() == 1);
    CHECK(found.notes[0].find("neither gzip nor zstd") != std::string::npos);
}

TEST_CASE("a log that begins like packed data is a log all the same", "[generation_files]") {
    fixture at;
    at.write("app.log", "\x1f\x8b\x08 and so on\n", 1);
    const auto found = at.find();
    REQUIRE(found.files.size() == 1);
    CHECK(found.files[0].packed == os::compression::none);
}

TEST_CASE("an unknown file gets the same id each time, packed or not, and no other file gets it",
          "[generation_files]") {
    fixture at;
    const auto content = numbered("line", 1000);
    const auto id_of = [&](const std::string& name) {
        auto found = at.find();
        for (auto& file : found.files) {
            if (!file.path.ends_with(name)) continue;
            REQUIRE(derive_id(file, at.path) == 0);
            REQUIRE(file.id);
            CHECK_FALSE(file.known);
            CHECK(file.size.value_or(content.size()) == file.size);
            return *file.id;
        }
        FAIL(name);
        return checkpoint::generation_id{};
    };
    at.write("app.log", "current\n", 9);
    at.write("app.log.1", content, 1);
    at.write("app.log.2", content + "x\n", 1);
    const auto one = id_of("app.log.1");
    CHECK(id_of("app.log.1") == one);
    CHECK(id_of("app.log.2") != one);
    at.write("app.log.3.gz", gzipped(content), 1);
    CHECK(id_of("app.log.3.gz") == one);
    const auto current = id_of("app.log");
    at.write("app.log", "current\nand more\n", 9);
    CHECK(id_of("app.log") == current);
    CHECK(current != one);
}

TEST_CASE("a packed file's size is known once it was unpacked", "[generation_files]") {
    fixture at;
    at.write("app.log.1.gz", gzipped(numbered("line", 1000)), 1);
    at.write("app.log.2.gz", gzipped(numbered("line", 1000)).substr(0, 500), 1);
    auto found = at.find();
    REQUIRE(found.files.size() == 2);
    for (auto& file : found.files) {
        const bool whole = file.path.ends_with("1.gz");
        CHECK(measure(file) == (whole ? 0 : ENODATA));
        if (whole) CHECK(file.size == numbered("line", 1000).size());
    }
}

}  // namespace logagent::tail
