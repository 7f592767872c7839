#include "web/host_commands.hpp"

#include <boost/json/parse.hpp>

#include "support/test.hpp"
#include "web/problem.hpp"

namespace json = boost::json;
using namespace logagent::web;

namespace {

json::object object(const char* text) {
    return json::parse(text).as_object();
}

std::string state(const char* document, bool stands, const char* answer) {
    return shown_replay("01", object(document), stands, object(answer))
        .at("state")
        .as_string()
        .c_str();
}

}  // namespace

TEST_CASE("the state of a replay follows from its command and its answer", "[replays]") {
    CHECK(state("{}", true, "{}") == "sent");
    CHECK(state("{}", true, R"({"state":"accepted"})") == "accepted");
    CHECK(state("{}", true, R"({"state":"running"})") == "running");
    CHECK(state("{}", false, R"({"state":"done"})") == "done");
    CHECK(state("{}", false, R"({"state":"failed","code":"refused"})") == "failed");
    CHECK(state("{}", false, R"({"state":"failed","code":"cancelled"})") == "cancelled");
    // Nobody took it, or somebody took it back before that.
    CHECK(state("{}", false, "{}") == "expired");
    CHECK(state(R"({"cancelled":"2026-01-01T00:00:00Z"})", false, "{}") == "cancelled");
}

TEST_CASE("a replay shows who wanted it and how far it is, and nothing else", "[replays]") {
    const auto shown =
        shown_replay("01", object(R"({"host":"web1","by":"me","secret":"x"})"), true,
                     object(R"({"state":"running","progress":{"bytes":1},"instance":"i"})"));
    CHECK(shown.at("host").as_string() == "web1");
    CHECK(shown.at("by").as_string() == "me");
    CHECK(shown.at("progress").at("bytes").as_int64() == 1);
    CHECK_FALSE(shown.contains("secret"));
    CHECK_FALSE(shown.contains("instance"));
}

TEST_CASE("a replay has to say where, which part and where to", "[replays]") {
    const auto arguments = read_replay_arguments(
        object(R"({"host":"web1","path":"/a","last":"10M","same_topic":true,"rate":5})"));
    CHECK(arguments.size() == 4);
    CHECK_FALSE(arguments.contains("host"));
    for (const auto* bad : {
             R"({"path":"/a","last":"1","same_topic":true})",
             R"({"host":"h","path":"a","last":"1","same_topic":true})",
             R"({"host":"h","path":"/a","same_topic":true})",
             R"({"host":"h","path":"/a","last":"1","offset":"0:1","same_topic":true})",
             R"({"host":"h","path":"/a","last":"1"})",
             R"({"host":"h","path":"/a","last":"1","topic":"t","same_topic":true})",
             R"({"host":"h","path":"/a","last":"1","topic":"t","dry_run":true})",
         })
        CHECK_THROWS_AS(read_replay_arguments(object(bad)), refused);
}

TEST_CASE("a command is for the instance that reports, or for whoever has the name", "[replays]") {
    CHECK(command_value("i", "paths", object(R"({"glob":"/a"})")) ==
          R"({"instance":"i","command":"paths","arguments":{"glob":"/a"}})");
    CHECK(command_value("", "rescan", {}) == R"({"command":"rescan","arguments":{}})");
}
