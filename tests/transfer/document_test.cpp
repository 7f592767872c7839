#include "logagent/transfer/document.hpp"

#include <boost/json/serialize.hpp>

#include "logagent/base/json.hpp"
#include "support/test.hpp"
#include "transfer/moment.hpp"

namespace logagent::transfer {
namespace {

namespace json = boost::json;

const std::string generation = "abcdefghijklmnopqrstuv";
const std::string key = "[\"web-1\",\"nginx\",\"/var/log/a.log\",\"" + generation + "\",10,25]";
constexpr std::int64_t moment = 1'795'475'460'000;  // 2026-11-23T23:11:00Z

source_record record_of(std::string_view value, std::string_view with_key = key) {
    source_record made;
    made.topic = "web.access";
    made.topic_id = "dG9waWMtaWQtMTIzNDU2Nw";
    made.partition = 3;
    made.offset = 77;
    made.timestamp_ms = moment + 5000;
    made.key = with_key;
    made.value = value;
    return made;
}

std::unique_ptr<document_maker> maker_of(std::string parse = {}, std::string charset = {}) {
    return create_document_maker({std::move(parse), std::move(charset), {}}).value();
}

document make(const source_record& from, std::string parse = {}, std::string charset = {}) {
    const auto maker = maker_of(std::move(parse), std::move(charset));
    document made;
    made.json = made.host = made.service = made.id = "of the record before";
    maker->make(made, from);
    CHECK(maker->time_of(from) == made.time_ms);
    return made;
}

json::object parsed(const document& made) {
    const auto value = base::parse_json(made.json);
    INFO(made.json);
    REQUIRE(value.has_value());
    CHECK(made.json.find('\n') == std::string::npos);
    return value->as_object();
}

json::object fields_of(std::string_view line, std::string parse) {
    const auto made = parsed(make(record_of(line), std::move(parse)));
    REQUIRE(made.contains("fields"));
    return made.at("fields").as_object();
}

TEST_CASE("a line of an agent becomes a document that says where it is from", "[transfer]") {
    const auto made = make(record_of("2026-11-23T23:11:00.007Z hello \"you\""));
    CHECK(made.json ==
          R"({"@timestamp":"2026-11-23T23:11:00.007Z","host":"web-1","service":"nginx",)"
          R"("path":"/var/log/a.log","message":"2026-11-23T23:11:00.007Z hello \"you\"",)"
          R"("topic":"web.access","kafka":{"partition":3,"offset":77},)"
          R"("event_id":"abcdefghijklmnopqrstuv:10:25"})");
    CHECK(made.id == generation + ":10:25");
    CHECK(made.host == "web-1");
    CHECK(made.service == "nginx");
    CHECK(made.time_ms == moment + 7);
    CHECK(made.time_was_read);
}

TEST_CASE("a bare record is named by its place in Kafka", "[transfer]") {
    auto from = record_of("hello", "");
    const auto made = make(from);
    CHECK(made.id == "dG9waWMtaWQtMTIzNDU2Nw:3:77");
    CHECK(made.service.empty());
    CHECK(made.time_ms == moment + 5000);
    CHECK_FALSE(made.time_was_read);
    const auto document = parsed(made);
    CHECK_FALSE(document.contains("host"));
    CHECK(document.at("message") == "hello");
    CHECK(document.at("@timestamp") == "2026-11-23T23:11:05.000Z");
    from.topic_id = {};
    CHECK(make(from).id == "web.access:3:77");
}

TEST_CASE("an agent's JSON form gives the same document as its bare form", "[transfer]") {
    const std::string wrapped =
        R"({"@timestamp":"2026-11-23T23:11:04.000Z","host":"web-1","service":"nginx","path":"/var/log/a.log","generation":")" +
        generation +
        R"(","start":10,"end":25,"message":"23/Nov \"x\" \u0001 [23/Nov/2026:23:11:00 +0000]"})";
    const auto bare = make(record_of("23/Nov \"x\" \x01 [23/Nov/2026:23:11:00 +0000]"));
    CHECK(make(record_of(wrapped)).json == bare.json);
    CHECK(make(record_of(wrapped, "")).json == bare.json);
    CHECK(make(record_of(wrapped)).time_ms == moment);
}

TEST_CASE("under another record's key an agent's JSON form is a line", "[transfer]") {
    const std::string wrapped =
        "{\"generation\":\"" + generation + "\",\"start\":0,\"end\":9,\"message\":\"x\"}";
    const auto made = make(record_of(wrapped));
    CHECK(made.id == generation + ":10:25");
    CHECK(parsed(made).at("message").as_string() == wrapped);
}

TEST_CASE("what is not UTF-8 is replaced and flagged", "[transfer]") {
    const auto made = parsed(make(record_of("caf\xe9 ok")));
    CHECK(made.at("message") == "caf\uFFFD ok");
    CHECK(made.at("encoding_error") == true);
    const auto in_key =
        parsed(make(record_of("x", "[\"h\",\"s\",\"/\xff\",\"" + generation + "\",1,2]")));
    CHECK(in_key.at("path") == "/\uFFFD");
    CHECK(in_key.at("encoding_error") == true);
    CHECK_FALSE(parsed(make(record_of("caf\xc3\xa9"))).contains("encoding_error"));
}

TEST_CASE("a record without bytes is a document without a message", "[transfer]") {
    CHECK(parsed(make(record_of(""))).at("message") == "");
    CHECK(parsed(make(record_of("", ""), "json")).at("parse_error") == true);
}

TEST_CASE("absurd times give way to Kafka's", "[transfer]") {
    const auto time_of = [](std::string_view line, std::int64_t kafka) {
        auto from = record_of(line);
        from.timestamp_ms = kafka;
        const auto made = make(from);
        CHECK(made.time_was_read == (made.time_ms != std::max<std::int64_t>(kafka, 0)));
        return made.time_ms;
    };
    CHECK(time_of("2026-11-23T23:11:00Z x", moment - 3'600'000) == moment);
    CHECK(time_of("2026-11-23T23:11:00Z x", moment - 86'400'001) == moment - 86'400'001);
    CHECK(time_of("2026-11-23T23:11:00Z x", moment + 399 * 86'400'000LL) == moment);
    CHECK(time_of("2026-11-23T23:11:00Z x", moment + 401 * 86'400'000LL) ==
          moment + 401 * 86'400'000LL);
    CHECK(time_of("2026-11-23T23:11:00Z x", -1) == moment);
    CHECK(time_of("9999-11-23T23:11:00Z x", -1) == 0);
    CHECK(time_of("x", -1) == 0);
}

TEST_CASE("the lines of nginx have fields with nginx's names", "[transfer]") {
    const auto fields = fields_of(
        R"x(10.0.0.1 - bob [23/Nov/2026:23:11:00 +0000] "GET /a?b=\"c HTTP/1.1" 200 1234 "-" "curl/8 (x)" "1.2.3.4")x",
        "nginx");
    CHECK(
        json::serialize(fields) ==
        R"({"remote_addr":"10.0.0.1","remote_user":"bob","request_method":"GET",)"
        R"("request_uri":"/a?b=\\\"c","server_protocol":"HTTP/1.1","status":200,)"
        R"x("body_bytes_sent":1234,"http_user_agent":"curl/8 (x)","http_x_forwarded_for":"1.2.3.4"})x");
    const auto common =
        fields_of(R"(::1 - - [23/Nov/2026:23:11:00 +0000] "\x16\x03" 400 -)", "nginx");
    CHECK(json::serialize(common) ==
          R"({"remote_addr":"::1","request":"\\x16\\x03","status":400})");
}

TEST_CASE("a line that is of another kind is flagged and goes as it is", "[transfer]") {
    for (const std::string_view line :
         {"hello", "a b c [", "a - - [x] \"GET\" two 3", "a - - [x] \"GET 200 3", "{\"a\":"})
        for (const char* parse : {"nginx", "json", "re2:^(?P<n>[0-9]+)$"}) {
            const auto made = parsed(make(record_of(line), parse));
            CHECK(made.at("parse_error") == true);
            CHECK_FALSE(made.contains("fields"));
            CHECK(made.at("message").as_string() == line);
        }
}

TEST_CASE("a line that is JSON becomes fields of its own", "[transfer]") {
    const auto fields = fields_of("{\"level\":\"info\",\n\"deep\":{\"n\":15}}", "json");
    CHECK(json::serialize(fields) == R"({"level":"info","deep":{"n":15}})");
    for (const std::string_view line :
         {"[1]", "7", "{\"a\":1,\"a\":2}", "{\"a\":1e999}", "{\"a\":\"\xff\"}", "{} {}", "  "})
        CHECK(parsed(make(record_of(line), "json")).contains("parse_error"));
}

TEST_CASE("the named groups of a pattern become fields", "[transfer]") {
    const auto fields = fields_of("level=warn took 12 ms",
                                  R"(re2:level=(?P<level>\w+)(.*?) (?P<ms>\d+)(?P<no>x)?)");
    CHECK(json::serialize(fields) == R"({"level":"warn","ms":"12"})");
}

TEST_CASE("charsets are turned into UTF-8", "[transfer]") {
    const auto text = [](std::string_view bytes, const char* charset) {
        const auto made = parsed(make(record_of(bytes), {}, charset));
        return std::string{std::string_view{made.at("message").as_string()}} +
               (made.contains("encoding_error") ? " (error)" : "");
    };
    CHECK(text("a\xd6\xd0\xce\xc4z", "gb18030") == "a\u4e2d\u6587z");
    CHECK(text("\x94\x39\xfc\x36\x81\x30\x84\x36", "gb18030") == "\U0001F600\u00a5");
    CHECK(text("\x84\x31\xa4\x39\xe3\x32\x9a\x35", "gb18030") == "\uFFFF\U0010FFFF");
    CHECK(text("\xd6", "gb18030") == "\uFFFD (error)");
    CHECK(text("\xd6!\x80\xff", "gb18030") == "\uFFFD!\uFFFD\uFFFD (error)");
    CHECK(text("\x81\x30\x84!", "gb18030") == "\uFFFD0\uFFFD! (error)");
    CHECK(text({"a\0\x2dN", 4}, "utf-16le") == "a\u4e2d");
    CHECK(text({"\0aN\x2d\xd8", 5}, "utf-16be") == "a\u4e2d\uFFFD (error)");
}

TEST_CASE("a charset does not touch what an agent has made UTF-8 of already", "[transfer]") {
    const std::string wrapped =
        "{\"generation\":\"" + generation + "\",\"start\":10,\"end\":25,\"message\":\"\u4e2d\"}";
    CHECK(parsed(make(record_of(wrapped), {}, "gb18030")).at("message") == "\u4e2d");
}

TEST_CASE("options of documents that mean nothing are refused", "[transfer]") {
    const auto refusal = [](std::string parse, std::string charset) {
        const auto made = create_document_maker({std::move(parse), std::move(charset), {}});
        REQUIRE_FALSE(made);
        return made.error().text;
    };
    CHECK(refusal("xml", "") == "'xml' is not known; nginx, json or re2:PATTERN");
    CHECK(refusal("re2:(a", "").starts_with("not an RE2 pattern: "));
    CHECK(refusal("re2:(a)", "") ==
          "the pattern has no named group; (?P<name>...) makes a field 'name'");
    CHECK(refusal("", "latin1") == "'latin1' is not known; gb18030, utf-16le or utf-16be");
}

TEST_CASE("moments are written as UTC to the millisecond", "[transfer]") {
    moment_writer writer;  // one for all, which keeps the second before
    const auto text = [&](std::int64_t ms) {
        std::string out;
        writer.append(out, ms);
        return out;
    };
    CHECK(text(0) == "1970-01-01T00:00:00.000Z");
    CHECK(text(-1) == "1970-01-01T00:00:00.000Z");
    CHECK(text(951'782'400'001) == "2000-02-29T00:00:00.001Z");
    CHECK(text(951'782'400'002) == "2000-02-29T00:00:00.002Z");
    CHECK(text(1'798'761'599'999) == "2026-12-31T23:59:59.999Z");
    CHECK(text(1'798'761'600'000) == "2027-01-01T00:00:00.000Z");
    CHECK(text(INT64_MAX) == "9999-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace logagent::transfer
