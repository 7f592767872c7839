#include "logagent/fleet/record_key.hpp"

#include "support/test.hpp"

using namespace logagent::fleet;

TEST_CASE("a full key tells where its line came from", "[record_key]") {
    const auto read = parse_record_key(
        R"(["web-1","shop","/var/log/a \"b\".log","AAAAAAAAAAAAAAAAAAAAAA",120,18446744073709551615])");
    REQUIRE(read);
    CHECK(read->host == "web-1");
    CHECK(read->service == "shop");
    CHECK(read->path == "/var/log/a \"b\".log");
    CHECK(read->generation == "AAAAAAAAAAAAAAAAAAAAAA");
    CHECK(read->start == 120);
    CHECK(read->end == 18446744073709551615u);
}

TEST_CASE("a key that is not a full one tells nothing", "[record_key]") {
    for (const auto* key :
         {"", "[", "[\"", "{}", R"(["AAAA",1,2])", R"(["h","s","p","g",1,-2])",
          R"(["h","s","p","g",1,2,3])", R"(["h","s",3,"g",1,2])", R"(["h","s","p","g",1,2]x)"})
        CHECK_FALSE(parse_record_key(key));
}

TEST_CASE("an envelope tells what a short key does not", "[record_key]") {
    std::string message;
    const auto read = parse_envelope(
        R"({"@timestamp":"2026-01-01T00:00:00Z","host":"h","service":"s","path":"/p",)"
        R"("generation":"g","start":1,"end":2,"message":"a line"})",
        message);
    REQUIRE(read);
    CHECK(read->host == "h");
    CHECK(read->end == 2);
    CHECK(message == "a line");
    CHECK_FALSE(parse_envelope(R"({"@timestamp":"x","host":"h"})", message));
    CHECK_FALSE(parse_envelope("{\"host\":\"h\"}", message));
    CHECK_FALSE(parse_envelope("{\"@timestamp\":", message));
}
