#include "logagent/base/log.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <vector>

#include "logagent/base/log_limiter.hpp"
#include "support/test.hpp"

using namespace logagent::base;
using namespace std::chrono_literals;

namespace {

/// A directory of its own, and the log closed whatever the test does.
struct log_fixture {
    log_fixture() {
        char pattern[] = "/tmp/logagent-log-XXXXXX";
        directory = ::mkdtemp(pattern);
        path = (directory / "agent.log").string();
        now = std::chrono::steady_clock::time_point{1h};
        set_log_clock([] { return now; });
    }
    ~log_fixture() {
        close_log();
        set_log_clock(nullptr);
        set_log_level(log_level::info);
        std::filesystem::remove_all(directory);
    }

    std::vector<std::string> lines() const { return lines_of(path); }

    static std::vector<std::string> lines_of(const std::string& name) {
        std::ifstream file{name};
        std::vector<std::string> out;
        for (std::string line; std::getline(file, line);)
            out.push_back(line);
        return out;
    }

    std::filesystem::path directory;
    std::string path;
    static inline std::chrono::steady_clock::time_point now;
};

}  // namespace

TEST_CASE_METHOD(log_fixture, "one record is one line, whatever its text holds", "[log]") {
    REQUIRE(open_log({.path = path}));
    LOGAGENT_LOG(info, "tail.open",
                 "file "
                     << "a\nb\x1b[31m" << ' ' << 7);
    LOGAGENT_LOG(error, "etcd", "x");
    const auto written = lines();
    REQUIRE(written.size() == 2);
    // Each '#' stands for a digit.
    const std::string shape = "####-##-##T##:##:##.###Z INFO  tail.open: file a\\nb\\x1b[31m 7";
    REQUIRE(written[0].size() == shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i)
        CHECK((shape[i] == '#' ? std::isdigit(written[0][i]) != 0 : shape[i] == written[0][i]));
    CHECK(written[1].ends_with("Z ERROR etcd: x"));
}

TEST_CASE_METHOD(log_fixture, "a level that is off does not even build its text", "[log]") {
    REQUIRE(open_log({.path = path, .level = log_level::warn}));
    int built = 0;
    const auto text = [&] {
        ++built;
        return "text";
    };
    LOGAGENT_LOG(info, "a", text());
    LOGAGENT_LOG(warn, "a", text());
    CHECK(built == 1);
    set_log_level(log_level::trace);
    LOGAGENT_LOG(trace, "b", text());
    CHECK(built == 2);
    CHECK(lines().size() == 2);
}

TEST_CASE_METHOD(log_fixture, "a class that repeats itself is told in a count", "[log]") {
    REQUIRE(open_log({.path = path}));
    for (int i = 0; i < 1000; ++i)
        LOGAGENT_LOG(info, "noisy", "again");
    LOGAGENT_LOG(info, "calm", "once");
    CHECK(lines().size() == 11);
    sweep_log();
    CHECK(lines().size() == 11);
    now += 61s;
    sweep_log();
    REQUIRE(lines().size() == 12);
    CHECK(lines().back().ends_with("WARN  noisy: 990 more like this suppressed"));
    LOGAGENT_LOG(info, "noisy", "again");
    CHECK(lines().size() == 13);
}

TEST_CASE_METHOD(log_fixture, "the file is rotated by size and old ones go", "[log]") {
    REQUIRE(open_log({.path = path, .rotate_bytes = 4000, .keep = 2}));
    for (int i = 0; i < 200; ++i) {
        now += 1min;
        LOGAGENT_LOG(info, "fill", std::string(200, 'x') << i);
    }
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator{directory}) {
        ++files;
        CHECK(std::filesystem::file_size(file) <= 4300);
    }
    CHECK(files == 3);
    CHECK(lines().back().ends_with("199"));
}

TEST_CASE_METHOD(log_fixture, "a log that is opened again goes on in the same file", "[log]") {
    REQUIRE(open_log({.path = path}));
    LOGAGENT_LOG(info, "a", "one");
    REQUIRE(open_log({.path = path}));
    LOGAGENT_LOG(info, "a", "two");
    CHECK(lines().size() == 2);
}

TEST_CASE_METHOD(log_fixture, "no record is lost by rotations over several runs", "[log]") {
    int sequence = 0;
    for (int run = 0; run < 5; ++run) {
        REQUIRE(open_log({.path = path, .rotate_bytes = 4000, .keep = 20}));
        for (int i = 0; i < 30; ++i) {
            now += 1min;
            LOGAGENT_LOG(info, "fill", std::string(200, 'x') << ' ' << sequence++);
        }
        close_log();
    }

    std::vector<std::string> files{path};
    for (int number = 1; std::filesystem::exists(path + "." + std::to_string(number)); ++number)
        files.push_back(path + "." + std::to_string(number));
    CHECK(files.size() == 10);  // 150 records, and 16 fill a file
    // The oldest file has the highest number.
    int expected = 0;
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
        CHECK(std::filesystem::file_size(*file) <= 4300);
        for (const auto& line : lines_of(*file))
            CHECK(std::stoi(line.substr(line.rfind(' '))) == expected++);
    }
    CHECK(expected == sequence);
}

TEST_CASE_METHOD(log_fixture, "a huge text is cut", "[log]") {
    REQUIRE(open_log({.path = path}));
    LOGAGENT_LOG(info, "a", std::string(1'000'000, 'x'));
    REQUIRE(lines().size() == 1);
    CHECK(lines()[0].size() < 4200);
}

TEST_CASE_METHOD(log_fixture, "a log that cannot be written is refused and the old one stays",
                 "[log]") {
    REQUIRE(open_log({.path = path}));
    const auto refused = open_log({.path = directory.string()});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "log");
    CHECK(refused.error().text.find(directory.string()) != std::string::npos);
    REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
    CHECK_FALSE(open_log({.path = (directory / "fifo").string()}));
    LOGAGENT_LOG(info, "a", "still here");
    CHECK(lines().size() == 1);
}

TEST_CASE("the limiter gives each class its own window", "[log]") {
    log_limiter limiter{2, 60s};
    const std::chrono::steady_clock::time_point start{100s};
    CHECK(limiter.ask("a", start).write);
    CHECK(limiter.ask("a", start + 30s).write);
    CHECK_FALSE(limiter.ask("a", start + 59s).write);
    CHECK(limiter.ask("b", start + 59s).write);
    CHECK(limiter.sweep(start + 59s).empty());

    const auto next = limiter.ask("a", start + 60s);
    CHECK(next.write);
    CHECK(next.suppressed_before == 1);
    CHECK(limiter.sweep(start + 200s).empty());
}

TEST_CASE("names of levels are read back", "[log]") {
    for (const auto level :
         {log_level::trace, log_level::debug, log_level::info, log_level::warn, log_level::error})
        CHECK(parse_log_level(name(level)) == level);
    CHECK_FALSE(parse_log_level("INFO"));
    CHECK_FALSE(parse_log_level("fatal"));
}
