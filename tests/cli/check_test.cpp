#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/check_report.hpp"
#include "cli/file_matches.hpp"
#include "logagent/cli/run.hpp"
#include "logagent/kafka/mock_cluster.hpp"
#include "logagent/os/posix_disk.hpp"
#include "os/temporary_directory.hpp"
#include "support/test.hpp"

namespace logagent::cli {

namespace {

struct outcome {
    int code;
    std::string out;
    std::string err;

    bool says(std::string_view words) const { return out.find(words) != std::string::npos; }
};

outcome check(std::vector<std::string> words) {
    words.insert(words.begin(), "check");
    std::ostringstream out, err;
    const int code = run(std::move(words), out, err);
    return {code, out.str(), err.str()};
}

os::posix_disk open_disk(std::string root) {
    return os::posix_disk{{.policy = os::path_policy{{{std::move(root)}, {"/proc"}}}}};
}

fleet::log_target target(std::string path, std::string topic = "t") {
    fleet::log_target out;
    out.log_path = std::move(path);
    out.topic = std::move(topic);
    return out;
}

std::vector<std::string> paths(const file_matches& matches) {
    std::vector<std::string> out;
    for (const auto& file : matches.files)
        out.push_back(file.path.substr(file.path.rfind('/') + 1) + (file.collected() ? "" : "!"));
    return out;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("the reference document is the one the tables give", "[check][settings]") {
    const auto reference = check({"--reference"}).out;
    const std::string path = std::string{LOGAGENT_SOURCE_DIR} + "/docs/configuration.md";
    // LOGAGENT_UPDATE=1 writes the file anew after a change of the tables.
    if (std::getenv("LOGAGENT_UPDATE")) std::ofstream{path} << reference;
    std::ifstream file{path};
    CHECK(std::string{std::istreambuf_iterator<char>{file}, {}} == reference);
}

TEST_CASE("all problems of both files are said at once and the exit code is 2", "[cli]") {
    test::temporary_directory scratch;
    const auto ini = scratch.file("agent.ini", "levle = info\nlevel = loud\n");
    const auto entries = scratch.file("targets.json",
                                      R"([{"log_path":"relative","topic":"t"},
                                          {"log_path":"/a","topic":"no/topic"},
                                          {"log_path":"/a"},
                                          {"log_path":"/a","topic":"t","send_rate":-1}])");
    const auto done = check({"-c", ini, "--logconfig", entries});
    CHECK(done.code == 2);
    for (const auto* pointer : {"/0/log_path", "/1/topic", "/2/topic", "/3/send_rate"})
        CHECK(done.says(pointer));
    CHECK(done.says(ini + ":1: levle: there is no such key; did you mean level?"));
    CHECK(done.says(ini + ":2: level: 'loud': "));
    CHECK(done.says("6 errors, no warnings\n"));

    const auto told = boost::json::parse(check({"-c", ini, "--logconfig", entries, "--json"}).out);
    CHECK(told.at("ok") == false);
    CHECK(told.at("errors") == 6);
    CHECK(told.at("findings").as_array().size() == 6);
    CHECK(told.at("findings").at(2).at("pointer").as_string().starts_with("/"));
}

TEST_CASE("a good configuration shows what it would collect and gives 0", "[cli]") {
    test::temporary_directory scratch;
    const auto log = scratch.file("a.log", "12345\n");
    const auto ini = scratch.file("agent.ini", "allow_paths = " + scratch.path() + "\n");
    const auto entries = scratch.file(
        "targets.json", R"([{"service":"s","log_path":")" + log + R"(","topic":"t"}])");
    const auto done = check({"-c", ini, "--logconfig", entries});
    CHECK(done.code == 0);
    struct ::stat status {};
    REQUIRE(::stat(log.c_str(), &status) == 0);
    CHECK(done.says(log));
    CHECK(done.says(":" + std::to_string(status.st_ino)));
    CHECK(done.says("no errors, no warnings\n"));

    const auto told = boost::json::parse(check({"-c", ini, "--logconfig", entries, "--json"}).out);
    const auto& file = told.at("files").at(0);
    CHECK(file.at("path").as_string() == log);
    CHECK(file.at("size") == 6);
    CHECK(file.at("start_offset") == 6);
    CHECK(file.at("inode").to_number<std::uint64_t>() == status.st_ino);
    CHECK(check({"-c", ini}).code == 0);
    CHECK(check({"-c", scratch / "absent.ini"}).code == 2);
    CHECK(check({"-c", ini, "--logconfig", scratch / "absent.json"}).code == 2);
}

TEST_CASE("the policy of the configuration holds, that of nobody only denies", "[cli]") {
    test::temporary_directory scratch;
    const auto log = scratch.file("a.log", "12345\n");
    const auto ini = scratch.file("agent.ini", "allow_paths = /elsewhere\nallow_topics = web-*\n");
    const auto entries =
        scratch.file("targets.json", R"([{"log_path":")" + log + R"(","topic":"t"}])");
    const auto done = check({"-c", ini, "--logconfig", entries});
    CHECK(done.code == 2);
    CHECK(done.says("/0/topic: t: allow_topics does not cover it"));
    CHECK(done.says("/0/log_path: " + log + ": allow_paths and deny_paths let nothing of it"));
    CHECK(check({"--logconfig", entries}).code == 0);
}

TEST_CASE("a broken document is an error at the whole of it", "[cli]") {
    test::temporary_directory scratch;
    const auto done = check({"--logconfig", scratch.file("x.json", "[{")});
    CHECK(done.code == 2);
    CHECK(done.says("1 error, "));
}

TEST_CASE("globs are expanded, refusals have their reason, the exact target wins", "[cli]") {
    test::temporary_directory scratch;
    scratch.file("logs/a.log", "1\n");
    scratch.file("logs/b.log", "12\n");
    scratch.file("logs/b.gz");
    scratch.file("logs/deep/er/c.log");
    std::filesystem::create_directory(scratch / "logs/dir.log");
    REQUIRE(::symlink("/proc/version", (scratch / "logs/p.log").c_str()) == 0);
    REQUIRE(::symlink("..", (scratch / "logs/deep/up").c_str()) == 0);
    auto disk = open_disk(scratch.path());

    auto exact = target(scratch / "logs/a.log");
    exact.start = fleet::start_at::start;
    auto glob = target(scratch / "logs/*");
    glob.exclude = {"*.gz"};
    const auto found = find_files(disk, std::vector{glob, exact}, 0);
    CHECK(paths(found) == texts{"a.log", "b.log", "p.log!"});
    CHECK(found.files[0].log_path == exact.log_path);
    CHECK(found.files[0].start_offset == 0);
    CHECK(found.files[1].start_offset == 3);
    CHECK(found.files[2].refused.find("deny_paths") != std::string::npos);
    CHECK_FALSE(found.cut);

    CHECK(paths(find_files(disk, std::vector{target(scratch / "logs/**/*.log")}, 0)) ==
          texts{"a.log", "b.log", "c.log", "p.log!"});
    const auto two = find_files(disk, std::vector{glob, target(scratch / "logs/*", "u")}, 0, 4);
    CHECK(two.cut);
    CHECK(two.files.size() == 4);

    const auto missing = find_files(disk, std::vector{target(scratch / "logs/none")}, 0);
    CHECK(missing.files.at(0).missing);
    exact.ignore_older_s = 10;
    const std::int64_t far_future_ms = 32'503'680'000'000;
    CHECK_FALSE(find_files(disk, std::vector{exact}, far_future_ms).files.at(0).collected());
}

TEST_CASE("topics that could lose lines are warned about", "[cli]") {
    check_report report;
    using partition = kafka::topic_description::partition;
    report.topics = {
        {"good", kafka::error::none, {{partition{0, 1, 3, 3}}}, 1000, 2},
        {"thin", kafka::error::none, {{0, 1, 3, 3}, {1, -1, 1, 0}}, {}, 1},
        {"gone", kafka::error::unknown_topic_or_partition, {}, {}, {}},
        {"mine", kafka::error::topic_authorization_failed, {}, {}, {}},
    };
    judge_topics(report);
    texts said;
    for (const auto& one : report.findings)
        said.push_back(one.where + " " + one.code);
    CHECK(said == texts{"topic thin leader", "topic thin replicas",
                        "topic thin min_insync_replicas", "topic gone topic", "topic mine topic"});
    CHECK(report.count(finding::severity::error) == 0);
}

TEST_CASE("topics are asked of the cluster, and an absent one is told", "[cli]") {
    kafka::mock_cluster cluster{2, std::vector<kafka::mock_cluster::topic>{{"lines", 4}}};
    test::temporary_directory scratch;
    const auto entries = scratch.file("targets.json",
                                      R"([{"log_path":"/var/log/a","topic":"lines"},
                                          {"log_path":"/var/log/a","topic":"absent"}])");
    const auto done =
        check({"--logconfig", entries, "--set", "kafka_addr=" + cluster.addresses(), "--json"});
    CHECK(done.code == 0);
    const auto told = boost::json::parse(done.out);
    REQUIRE(told.at("topics").as_array().size() == 2);
    CHECK(told.at("topics").at(1).at("topic") == "lines");
    CHECK(told.at("topics").at(1).at("partitions") == 4);
    CHECK(told.at("topics").at(1).at("replicas") == 2);
    CHECK(told.at("warnings") == 1);
    CHECK(told.at("findings").at(0).at("where") == "topic absent");
}

TEST_CASE("the reference is printed from the tables", "[cli]") {
    const auto done = check({"--reference"});
    CHECK(done.code == 0);
    CHECK(done.says("| `max_line_bytes` |"));
}

}  // namespace logagent::cli
