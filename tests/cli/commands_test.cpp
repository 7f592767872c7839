#include "cli/commands.hpp"

#include <boost/json/parse.hpp>
#include <sstream>

#include "cli/mock_topics.hpp"
#include "logagent/cli/run.hpp"
#include "support/test.hpp"

namespace logagent::cli {

namespace {

struct outcome {
    int code;
    std::string out;
    std::string err;
};

outcome call(std::vector<std::string> words) {
    std::ostringstream out, err;
    const int code = run(std::move(words), out, err);
    return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("a misspelt command names the one that was meant and ends with 2", "[cli]") {
    const auto done = call({"verzion"});
    CHECK(done.code == 2);
    CHECK(done.out.empty());
    CHECK(done.err ==
          "logagent: verzion: there is no such command; did you mean version?; see logagent "
          "--help\n");
    CHECK(call({"nothing-like-it"}).err ==
          "logagent: nothing-like-it: there is no such command; see logagent --help\n");
    CHECK(call({"--bogus"}).code == 2);
}

TEST_CASE("no command at all shows the help as an error", "[cli]") {
    const auto done = call({});
    CHECK(done.code == 2);
    CHECK(done.out.empty());
    CHECK(done.err == general_help());
}

TEST_CASE("wrong flags are one line that names the command", "[cli]") {
    const auto done = call({"version", "--jsn"});
    CHECK(done.code == 2);
    CHECK(done.err == "logagent version: --jsn: there is no such flag; did you mean --json?\n");
}

TEST_CASE("every help fits into 100 columns and names each of its flags", "[cli]") {
    for (const auto* one : commands()) {
        const auto text = call({std::string{one->name}, "--help"});
        INFO(text.out);
        CHECK(text.code == 0);
        CHECK(text.out == call({"help", std::string{one->name}}).out);
        CHECK((general_help().find(one->summary) != std::string::npos) == !one->hidden);
        std::istringstream lines{text.out};
        for (std::string line; std::getline(lines, line);) {
            CHECK(line.size() <= 100);
            CHECK((line.empty() || line.back() != ' '));
        }
        for (const auto& flag : one->flags)
            CHECK(text.out.find(std::string{flag.name()}) != std::string::npos);
    }
}

TEST_CASE("the help of a command is aligned", "[cli]") {
    CHECK(call({"version", "--help"}).out ==
          "usage: logagent version [--json]\n"
          "\n"
          "Prints the version, the commit and the versions of the libraries in the binary.\n"
          "\n"
          "Flags:\n"
          "      --json    Print one JSON object.\n"
          "  -h, --help    Print this and end.\n");
}

TEST_CASE("version tells what is linked, as text and as JSON", "[cli]") {
    const auto described = boost::json::parse(call({"version", "--json"}).out);
    CHECK(described.at("name") == "logagent");
    const std::string version{described.at("version").as_string()};
    for (const auto* name : {"Boost", "librdkafka", "OpenSSL", "c-ares", "zlib", "zstd", "xxHash",
                             "CLI11", "glibc", "compiler"})
        CHECK(described.at("libraries").at(name).as_string().size() >= 3);
    const auto text = call({"version"});
    CHECK(text.out.starts_with("logagent " + version + " ("));
    CHECK(call({"--version"}).out == text.out);
}

TEST_CASE("topics of the mock brokers have a name and a number of partitions", "[cli]") {
    const flag which{.names = "--topic", .value = "T", .allowed = "x"};
    const auto topics = read_mock_topics(which, {"web:3", "app"});
    REQUIRE(topics.size() == 2);
    CHECK((topics[0].name == "web" && topics[0].partitions == 3));
    CHECK((topics[1].name == "app" && topics[1].partitions == 1));
    for (const std::string wrong : {"", ":3", "a/b:1", "web:", "web:0", "web:1001", "web:1:2"})
        CHECK_THROWS_AS(read_mock_topics(which, {wrong}), usage_error);
    CHECK_THROWS_WITH(read_mock_topics(which, {"a", "a:2"}),
                      "--topic: 'a:2' is given twice; allowed: x");
    CHECK(call({"mock-kafka", "--brokers", "0"}).err ==
          "logagent mock-kafka: --brokers: '0' is out of range; allowed: 1 to 10\n");
}

}  // namespace logagent::cli
