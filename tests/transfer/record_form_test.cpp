#include "transfer/record_form.hpp"

#include "support/test.hpp"
#include "transfer/json_scan.hpp"

namespace logagent::transfer {
namespace {

const std::string generation = "AAAAAAAAAAAAAAAAAAAA_-";

TEST_CASE("a key of an agent names host, service, path and bytes", "[transfer]") {
    const std::string key = R"(["web-1","nginx","/a \"b\".log",")" + generation + "\",10,25]";
    const auto found = read_key(key);
    REQUIRE(found);
    CHECK(found->host == "web-1");
    CHECK(found->service == "nginx");
    CHECK(found->path == R"(/a \"b\".log)");
    CHECK(found->generation == generation);
    CHECK(found->start == 10);
    CHECK(found->end == 25);
}

TEST_CASE("a short key of an agent names the bytes alone", "[transfer]") {
    const std::string key = "[\"" + generation + "\",0,9223372036854775807]";
    const auto found = read_key(key);
    REQUIRE(found);
    CHECK(found->host.empty());
    CHECK(found->start == 0);
    CHECK(found->end == 9223372036854775807U);
}

TEST_CASE("a key of somebody else names nothing", "[transfer]") {
    const std::string good = "[\"h\",\"s\",\"/p\",\"" + generation + "\",1,2]";
    REQUIRE(read_key(good));
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(read_key(good.substr(0, size)));
    CHECK_FALSE(read_key(good + " "));
    CHECK_FALSE(read_key("[\"h\",\"s\",\"/p\",\"short\",1,2]"));
    CHECK_FALSE(read_key("[\"h\",\"s\",\"/p\",\"" + generation + "\",2,1]"));
    CHECK_FALSE(read_key("[\"h\",\"s\",\"/p\",\"" + generation + "\",01,2]"));
    CHECK_FALSE(read_key("[\"h\",\"s\",\"/p\",\"" + generation + "\",-1,2]"));
    CHECK_FALSE(read_key("[\"h\",\"s\",\"/p\",\"" + generation + "\",1,99999999999999999999]"));
    CHECK_FALSE(read_key("[\"AAAAAAAAAAAAAAAAAAAA_+\",1,2]"));
    CHECK_FALSE(read_key("user-7"));
    CHECK_FALSE(read_key(""));
}

TEST_CASE("a value in an agent's JSON form is taken apart", "[transfer]") {
    const std::string value =
        R"({"@timestamp":"2026-11-23T23:11:00.123Z","host":"h","service":"s","path":"/p","generation":")" +
        generation + R"(","start":5,"end":9,"message":"a\tb","encoding_error":true})";
    const auto found = read_envelope(value);
    REQUIRE(found);
    CHECK(found->origin.host == "h");
    CHECK(found->origin.start == 5);
    CHECK(found->origin.end == 9);
    CHECK(found->message == "a\\tb");
    CHECK(found->encoding_error);
    for (std::size_t size = 0; size < value.size(); ++size)
        CHECK_FALSE(read_envelope(value.substr(0, size)));
}

TEST_CASE("an object with other members is a line of somebody", "[transfer]") {
    const std::string inside = "\"generation\":\"" + generation + "\",\"start\":5,\"end\":9";
    CHECK(read_envelope("{" + inside + ",\"message\":\"x\"}"));
    CHECK_FALSE(read_envelope("{" + inside + "}"));
    CHECK_FALSE(read_envelope("{" + inside + ",\"message\":\"x\",\"level\":\"info\"}"));
    CHECK_FALSE(read_envelope("{" + inside + ",\"message\":{}}"));
    CHECK_FALSE(read_envelope("{\"message\":\"x\"}"));
    CHECK_FALSE(read_envelope("{}"));
}

TEST_CASE("escapes are turned into what they mean", "[transfer]") {
    std::string scratch;
    CHECK(unescaped("plain", scratch) == "plain");
    CHECK(unescaped(R"(\"\\\/\b\f\n\r\t)", scratch) == "\"\\/\b\f\n\r\t");
    CHECK(unescaped(R"(\u4e2D\u0041)", scratch) ==
          "\u4e2d"
          "A");
    CHECK(unescaped(R"(\ud83d\ude00!)", scratch) == "\U0001F600!");
    CHECK(unescaped(R"(\ud83d!)", scratch) == "\uFFFD!");
    CHECK(unescaped(R"(\ude00\ud83d\u0041)", scratch) ==
          "\uFFFD\uFFFD"
          "A");
    CHECK_FALSE(unescaped(R"(\x)", scratch));
    CHECK_FALSE(unescaped(R"(\u12)", scratch));
    CHECK_FALSE(unescaped("a\\", scratch));
}

TEST_CASE("a quote behind backslashes ends a string only if they are pairs", "[transfer]") {
    json_scan even{R"("a\\",)"};
    CHECK(even.text() == R"(a\\)");
    json_scan odd{R"("a\\\"b",)"};
    CHECK(odd.text() == R"(a\\\"b)");
    json_scan open{R"("a\")"};
    CHECK_FALSE(open.text());
}

}  // namespace
}  // namespace logagent::transfer
