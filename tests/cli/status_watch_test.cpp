#include "cli/status_watch.hpp"

#include <boost/json/parse.hpp>

#include "cli/full_screen.hpp"
#include "cli/text_table.hpp"
#include "support/test.hpp"

namespace logagent::cli {

namespace {

boost::json::value many_files(std::size_t count) {
    std::string text = R"({"host":"web-17","version":"1","state":"healthy","files":[)";
    for (std::size_t i = 0; i < count; ++i)
        text += std::string{i ? "," : ""} + R"({"path":"/var/log/)" + std::to_string(100 + i) +
                R"(.log","topic":"t","state":")" + (i == 3 ? "throttled" : "tailing") +
                R"(","lag_bytes":1024,"lines_per_s":2})";
    return boost::json::parse(text + "]}");
}

std::size_t line_count(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("the screen sums up the files", "[status_watch]") {
    CHECK(status_sum(many_files(5)) == "5 files: 4 tailing, 1 throttled; 10 lines/s, 5 KiB behind");
    CHECK(status_sum(boost::json::parse("{}")) == "0 files; 0 lines/s, 0 B behind");
}

TEST_CASE("a screen is never larger than the terminal", "[status_watch]") {
    for (const std::size_t rows : {1, 5, 24, 60}) {
        for (const std::size_t width : {20, 80, 200}) {
            const auto text = status_screen(many_files(100), width, rows, 0, false);
            CHECK(line_count(text) <= rows);
            for (std::string_view rest = text; !rest.empty();
                 rest.remove_prefix(rest.find('\n') + 1))
                CHECK(text_width(rest.substr(0, rest.find('\n'))) <= width);
        }
    }
}

TEST_CASE("files scroll below their header", "[status_watch]") {
    const auto top = status_screen(many_files(100), 100, 20, 0, false);
    CHECK(top.find("103.log") < top.find("100.log"));  // the throttled one comes first
    const auto below = status_screen(many_files(100), 100, 20, 30, false);
    CHECK(below.find("103.log") == below.npos);
    CHECK(below.find("web-17") != below.npos);
    CHECK(below.find("PATH") != below.npos);
    CHECK(line_count(below) == 20);
}

TEST_CASE("colours mark what is held back, and can be turned off", "[status_watch]") {
    CHECK(status_screen(many_files(5), 100, 20, 0, true).find("\x1b[33m/var/log/103.log") !=
          std::string::npos);
    CHECK(status_screen(many_files(5), 100, 20, 0, false).find('\x1b') == std::string::npos);
}

TEST_CASE("a page keeps its title and never scrolls past its end", "[full_screen]") {
    const std::string text = "title\na\nb\nc\nd\n";
    CHECK(page_of(text, 1, 0, 3) == "title\na\nb\n");
    CHECK(page_of(text, 1, 1, 3) == "title\nb\nc\n");
    CHECK(page_of(text, 1, 99, 3) == "title\nc\nd\n");
    CHECK(page_of(text, 1, 0, 99) == text);
    CHECK(page_of(text, 1, 0, 1) == "title\n");
    CHECK(page_of("", 1, 5, 3).empty());
}

TEST_CASE("keys are known by what terminals send", "[full_screen]") {
    using key = full_screen::key;
    CHECK(key_of("q") == key::quit);
    CHECK(key_of("\x1b[A") == key::up);
    CHECK(key_of("\x1bOB") == key::down);
    CHECK(key_of("\x1b[5~") == key::page_up);
    CHECK(key_of("\x1b") == key::other);
    CHECK(key_of("") == key::other);
}

}  // namespace logagent::cli
