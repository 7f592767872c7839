#include "agent/command.hpp"

#include "support/test.hpp"

using namespace logagent::agent;

namespace {

constexpr std::int64_t now_ms = 1'795'475'460'000;

std::string replay(const std::string& arguments) {
    return R"({"instance":"i","command":"replay","arguments":{)" + arguments + "}}";
}

std::string code(std::string_view value) {
    const auto read = parse_command(value, "i", now_ms);
    return read ? "" : read.error().code;
}

std::string text(std::string_view value) {
    const auto read = parse_command(value, "i", now_ms);
    return read ? "" : read.error().text;
}

}  // namespace

TEST_CASE("a replay is read, and what it leaves out has a default", "[command]") {
    const auto read = parse_command(
        replay(R"("path":"/l","since":"2h","until":1795475400,"topic":"t")"), "i", now_ms);
    REQUIRE(read.has_value());
    const auto& wanted = std::get<replay_command>(*read);
    CHECK(wanted.path == "/l");
    CHECK(wanted.since == "2026-11-23T21:11:00.000Z");  // a restart must not move it
    CHECK(wanted.until == "2026-11-23T23:10:00.000Z");
    CHECK(wanted.topic == "t");
    CHECK(wanted.rate == default_replay_rate);
    CHECK_FALSE(wanted.dry_run);

    const auto other = parse_command(
        replay(R"("path":"/l","last":50,"same_topic":true,"rate":0,"dry_run":true)"), "i", now_ms);
    REQUIRE(other.has_value());
    CHECK(std::get<replay_command>(*other).last == "50");
    CHECK(std::get<replay_command>(*other).rate == 0);
    CHECK(std::get<replay_command>(*other).dry_run);
}

TEST_CASE("the other commands are read", "[command]") {
    const auto paths = parse_command(
        R"({"command":"paths","arguments":{"glob":"/var/log/*","limit":7}})", "i", now_ms);
    REQUIRE(paths.has_value());
    CHECK(std::get<paths_command>(*paths) == paths_command{"/var/log/*", 7});
    const auto rescan = parse_command(R"({"instance":"i","command":"rescan"})", "i", now_ms);
    REQUIRE(rescan.has_value());
    CHECK(std::holds_alternative<rescan_command>(*rescan));
    const auto forget = parse_command(R"({"command":"forget","arguments":{}})", "i", now_ms);
    REQUIRE(forget.has_value());
    CHECK(std::holds_alternative<forget_command>(*forget));
}

TEST_CASE("what is no command is refused with a code and a reason", "[command]") {
    CHECK(code("{") == "syntax");
    CHECK(code("[]") == "syntax");
    CHECK(code(std::string(most_command_bytes + 1, ' ')) == "too_large");
    CHECK(code(R"({"instance":"x","command":"rescan"})") == "other_instance");
    CHECK(code(R"({"instance":7,"command":"rescan"})") == "arguments");
    CHECK(code(R"({"instance":"i","command":"rm"})") == "unknown_command");
    CHECK(code(R"({"instance":"i","command":"tap","arguments":{"path":"/l"}})") == "not_supported");
    CHECK(code(R"({"instance":"i"})") == "arguments");
    CHECK(code(R"({"command":"rescan","arguments":[]})") == "arguments");
    CHECK(code(R"({"command":"rescan","arguments":{"x":1}})") == "arguments");
    CHECK(code(R"({"command":"paths","arguments":{"glob":"*.log"}})") == "arguments");
    CHECK(code(R"({"command":"paths","arguments":{"glob":"/a[","limit":1}})") == "arguments");
    CHECK(code(R"({"command":"paths","arguments":{"glob":"/a","limit":1000000}})") == "arguments");
    CHECK(text(R"({"command":"rm"})") ==
          "/command: 'rm' is no command; allowed: replay, paths, rescan, forget");
}

TEST_CASE("arguments of a replay that cannot be meant are refused", "[command]") {
    const std::string good = R"("path":"/l","offset":"0:","topic":"t")";
    CHECK(code(replay(good)).empty());
    for (const std::string& bad :
         {good + R"(,"last":"5M")", good + R"(,"same_topic":true)", good + R"(,"rate":-1)",
          good + R"(,"sudo":true)", std::string{R"("offset":"0:","topic":"t")"},
          std::string{R"("path":"l","offset":"0:","topic":"t")"},
          std::string{R"("path":"/l","topic":"t")"}, std::string{R"("path":"/l","offset":"0:")"},
          std::string{R"("path":"/l","since":"noon","topic":"t")"},
          R"("path":"/)" + std::string(5000, 'a') + R"(","offset":"0:","topic":"t")"})
        CHECK(code(replay(bad)) == "arguments");
    CHECK(text(replay(good + R"(,"sudo":true)")).starts_with("/arguments/sudo: there is no"));
}

TEST_CASE("a process gets each argument as one word that no value can leave", "[command]") {
    const auto read = parse_command(
        replay(R"("path":"/l --rate 0","offset":"--topic=x","topic":"-c","rate":5)"), "i", now_ms);
    REQUIRE(read.has_value());
    using words = std::vector<std::string>;
    const auto& wanted = std::get<replay_command>(*read);
    CHECK(replay_words(wanted, {}, {}) == words{"replay", "--by-command", "--path=/l --rate 0",
                                                "--offset=--topic=x", "--topic=-c", "--rate=5"});
    logagent::tail::replay_point at;
    at.offset = 7;
    const auto place = at.generation.text() + ":7";
    const auto more = replay_words(wanted, at, at);
    CHECK(words(more.end() - 2, more.end()) == words{"--from=" + place, "--to=" + place});
}

TEST_CASE("only plain names are ids of commands", "[command]") {
    CHECK(is_command_id("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    CHECK_FALSE(is_command_id(""));
    CHECK_FALSE(is_command_id("a/b"));
    CHECK_FALSE(is_command_id("a\n"));
    CHECK_FALSE(is_command_id(std::string(65, 'a')));
}
