#include <zlib.h>

#include <fstream>
#include <sstream>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "support/test.hpp"
#include "transfer/elasticsearch_answer.hpp"
#include "transfer/elasticsearch_bulk.hpp"
#include "transfer/elasticsearch_index.hpp"
#include "transfer/elasticsearch_pace.hpp"
#include "transfer/elasticsearch_template.hpp"
#include "transfer/node_pool.hpp"

namespace logagent::transfer {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr steady::time_point now{100s};

document document_of(std::string service, std::int64_t time_ms = 1'795'475'460'000) {
    document made;
    made.host = "web-1";
    made.service = std::move(service);
    made.time_ms = time_ms;
    made.id = "abcdefghijklmnopqrstuv:10:25";
    return made;
}

std::string name(std::string_view pattern, const document& of, std::string_view topic = "t") {
    return index_pattern::parse(pattern).value().name(of, topic);
}

TEST_CASE("an index is named by service and day of the event in UTC", "[transfer][elastic]") {
    CHECK(name("logs-{service}-{yyyy.MM.dd}", document_of("nginx")) == "logs-nginx-2026.11.23");
    CHECK(name("logs-{service}-{yyyy.MM.dd}", document_of("nginx", 1'795'478'400'000)) ==
          "logs-nginx-2026.11.24");
    CHECK(name("l-{topic}-{host}-{yyyy-MM_HH}", document_of("x"), "Web.Access") ==
          "l-web.access-web-1-2026-11_23");
    CHECK(name("one", document_of("x")) == "one");
}

TEST_CASE("what no index name may hold is replaced", "[transfer][elastic]") {
    CHECK(name("l-{service}", document_of("Web Server#1/\\*?\"<>|,:")) ==
          "l-web_server_1__________");
    CHECK(name("l-{service}", document_of("")) == "l-unknown");
    CHECK(name("l-{service}", document_of("\u8ba2\u5355\u00c9\xff")) == "l-\u8ba2\u5355__");
    CHECK(name("{service}", document_of("-_+.a")) == "a");
    CHECK(name("{service}", document_of("...")) == "unknown");
}

TEST_CASE("long words are cut so that a name has its day and at most 255 bytes",
          "[transfer][elastic]") {
    const std::string pattern = "l-{service}-{topic}-{service}-{yyyy.MM.dd}";
    const std::string ascii(300, 'x');
    std::string wide;
    for (int i = 0; i < 100; ++i)
        wide += "\u8ba2";
    for (const auto& word : {ascii, wide}) {
        INFO(word.substr(0, 3));
        const auto longest = name(pattern, document_of(word), word);
        CHECK(longest.size() <= 255);
        CHECK(longest.size() > 240);
        CHECK(base::is_utf8(longest));
        CHECK(longest.ends_with("-2026.11.23"));
    }
    CHECK(name("l-{service}", document_of(ascii)).size() == 102);
    CHECK(name("l-{service}", document_of(wide)).size() == 101);
}

TEST_CASE("names that are kept are those that would be made", "[transfer][elastic]") {
    for (const auto* text : {"l-{service}-{yyyy.MM.dd.HH}", "l-{host}-{topic}-{yyyy}", "one"}) {
        const auto pattern = index_pattern::parse(text).value();
        index_names names{pattern};
        for (const std::int64_t ms : {-5LL, -4'000'000LL, 0LL, 3'599'999LL, 3'600'000LL})
            for (const auto* service : {"a", "b", "b", ""})
                for (const auto* host : {"h", "i"})
                    for (const auto* topic : {"s", "t"}) {
                        auto of = document_of(service, ms);
                        of.host = host;
                        CHECK(names.of(of, topic) == pattern.name(of, topic));
                        CHECK(names.of(of, topic) == pattern.name(of, topic));
                    }
    }
}

TEST_CASE("a pattern that no index can have is refused", "[transfer][elastic]") {
    const auto refusal = [](std::string_view text) {
        return index_pattern::parse(text).error().text;
    };
    CHECK(refusal("Logs").starts_with("'Logs' holds what no index name may"));
    CHECK(refusal("-x").starts_with("a name must not be empty or begin"));
    CHECK(refusal("").starts_with("a name must not be empty"));
    CHECK(refusal("x-{service") == "a '{' has no '}'");
    CHECK(refusal(std::string(121, 'a')) == "the pattern is longer than 120 characters");
    CHECK(refusal("l{host}{host}{host}{host}{host}{host}{host}{host}{host}{host}{host}{host}{host}")
              .starts_with("13 words in braces do not fit"));
    for (const char* braces : {"{what}", "{}", "{yyyyMM dd}", "{.}", "{yy}"})
        CHECK(refusal(braces).starts_with("braces hold service"));
}

TEST_CASE("a template is for the indices of its pattern and before Elasticsearch's own",
          "[transfer][elastic]") {
    const auto pattern = index_pattern::parse("logs-{service}-{yyyy.MM.dd}").value();
    CHECK(pattern.wildcard() == "logs-*-*");
    CHECK(index_pattern::parse("a{service}{topic}").value().wildcard() == "a*");
    CHECK(template_name(pattern) == "logagent-logs-_-_");
    for (const auto kind : field_kinds) {
        const auto body = base::parse_json(template_body(pattern, kind));
        REQUIRE(body);
        CHECK(body->at("priority").to_number<int>() == 206);
        CHECK(body->at("template").at("mappings").at("dynamic") == false);
    }
}

TEST_CASE("a document has the same id every time, and another one on another host",
          "[transfer][elastic]") {
    auto one = document_of("x");
    const auto id = document_id(one);
    CHECK(id.size() == 22);
    CHECK(document_id(document_of("other service")) == id);
    one.host = "web-2";
    CHECK(document_id(one) != id);
    one.host = "web-1";
    one.id += "1";
    CHECK(document_id(one) != id);
}

std::string unpacked(const std::string& packed) {
    z_stream stream{};
    REQUIRE(::inflateInit2(&stream, 15 + 16) == Z_OK);
    std::string out(8 << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::inflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::inflateEnd(&stream);
    return out;
}

TEST_CASE("a body has an action and a document on each pair of lines", "[transfer][elastic]") {
    bulk_body body{false};
    body.add("i", "1", "{\"a\":1}");
    body.add("j", "2", "{}");
    const std::string expected =
        "{\"create\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{\"a\":1}\n"
        "{\"create\":{\"_index\":\"j\",\"_id\":\"2\"}}\n{}\n";
    CHECK(body.size() == expected.size());
    CHECK(body.finish() == expected);
}

TEST_CASE("a compressed body holds the same, however long it is", "[transfer][elastic]") {
    for (const std::size_t count : {0U, 1U, 3000U}) {
        bulk_body plain{false};
        bulk_body packed{true};
        for (std::size_t at = 0; at < count; ++at)
            for (auto* body : {&plain, &packed})
                body->add("index", std::to_string(at * 7919), std::string(at % 300, 'x'));
        CHECK(plain.size() == packed.size());
        const auto text = plain.finish();
        CHECK(unpacked(packed.finish()) == text);
    }
}

// --- answers -------------------------------------------------------------------------------------

constexpr std::string_view two_stored =
    R"({"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]})";

TEST_CASE("an answer that everything was stored counts its items", "[transfer][elastic]") {
    const auto read = read_bulk_answer(two_stored, 2);
    REQUIRE(read);
    CHECK(read->all_stored);
    CHECK_FALSE(read_bulk_answer(two_stored, 1));
    CHECK_FALSE(read_bulk_answer(two_stored, 3));
    for (std::size_t size = 0; size < two_stored.size(); ++size)
        CHECK_FALSE(read_bulk_answer(two_stored.substr(0, size), 2));
    CHECK_FALSE(read_bulk_answer("<html>", 1));
    CHECK_FALSE(read_bulk_answer("{}", 0));
}

TEST_CASE("each item of a mixed answer is told apart", "[transfer][elastic]") {
    const auto read = read_bulk_answer(
        R"({"errors":true,"items":[{"create":{"status":201}},)"
        R"({"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed\nx"}}}]})",
        2);
    REQUIRE(read);
    CHECK_FALSE(read->all_stored);
    REQUIRE(read->items.size() == 2);
    CHECK(read->items[0].status == 201);
    CHECK(read->items[1].status == 400);
    CHECK(read->items[1].type == "mapper_parsing_exception");
    CHECK(read->items[1].reason == "failed\\nx");
}

TEST_CASE("what a server says of an error is one line", "[transfer][elastic]") {
    const auto answer = read_bulk_answer(
        R"({"errors":true,"items":[{"create":{"status":400,"error":{"type":"a\nb","reason":"c\nd"}}}]})",
        1);
    REQUIRE(answer);
    CHECK(text_of(answer->items.at(0)) == R"(400 a\nb: c\nd)");
}

TEST_CASE("an answer without statuses tells nothing", "[transfer][elastic]") {
    for (const std::string_view body :
         {R"({"errors":true,"items":[{"create":{}}]})", R"({"errors":true,"items":[7]})",
          R"({"errors":true,"items":[{"create":{"status":"201"}}]})", R"({"errors":true})",
          R"({"errors":false,"items":[{"create":{"status":500}}]})"})
        CHECK_FALSE(read_bulk_answer(body, 1));
}

std::string recorded(const std::string& name) {
    std::ifstream file{std::string{LOGAGENT_SOURCE_DIR} + "/tests/transfer/answers/" + name};
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

item_verdict judged(const std::string& file, std::size_t item, std::size_t sent) {
    const auto read = read_bulk_answer(recorded(file), sent);
    REQUIRE(read);
    return judge_item(read->items.at(item), false);
}

TEST_CASE("what real servers answer is understood", "[transfer][elastic]") {
    for (const std::string engine : {"opensearch", "elasticsearch"}) {
        INFO(engine);
        CHECK(judged(engine + "-bulk-conflict.200.json", 1, 2) == item_verdict::there_already);
        CHECK(judged(engine + "-bulk-mapping.200.json", 0, 4) == item_verdict::refused);
        CHECK(judged(engine + "-bulk-mapping.200.json", 1, 4) == item_verdict::refused);
        CHECK(judged(engine + "-bulk-mapping.200.json", 2, 4) == item_verdict::stored);
        CHECK(judged(engine + "-bulk-write-block.200.json", 0, 1) == item_verdict::blocked);
        const auto whole = read_request_failure(429, recorded(engine + "-bulk-rejected.429.json"));
        CHECK(whole.type.ends_with("rejected_execution_exception"));
        CHECK(never_fits(whole.reason));
    }
}

TEST_CASE("a document is a dead letter only where no time and no person helps",
          "[transfer][elastic]") {
    const auto verdict = [](unsigned status, std::string type, std::string reason = "",
                            bool closed_is_refused = false) {
        return judge_item({status, std::move(type), std::move(reason)}, closed_is_refused);
    };
    CHECK(verdict(200, "") == item_verdict::stored);
    CHECK(verdict(201, "") == item_verdict::stored);
    CHECK(verdict(409, "version_conflict_engine_exception") == item_verdict::there_already);
    CHECK(verdict(409, "something_else") == item_verdict::unavailable);
    CHECK(verdict(429, "circuit_breaking_exception") == item_verdict::overloaded);
    CHECK(verdict(429, "cluster_block_exception") == item_verdict::blocked);
    CHECK(verdict(503, "unavailable_shards_exception") == item_verdict::unavailable);
    CHECK(verdict(403, "security_exception") == item_verdict::blocked);
    CHECK(verdict(404, "index_not_found_exception") == item_verdict::blocked);
    CHECK(verdict(400, "index_closed_exception") == item_verdict::blocked);
    CHECK(verdict(400, "index_closed_exception", "", true) == item_verdict::refused);
    CHECK(verdict(400, "validation_exception",
                  "this action would add [2] total shards, but this cluster currently has [2]/[1] "
                  "maximum shards open;") == item_verdict::blocked);
    CHECK(verdict(400, "illegal_argument_exception", "no write index is defined for alias [x]") ==
          item_verdict::blocked);
    CHECK(verdict(400, "illegal_argument_exception", "Limit of total fields [1000]") ==
          item_verdict::refused);
    CHECK(verdict(418, "never_heard_of") == item_verdict::refused);
}

TEST_CASE("a whole request is judged by its status", "[transfer][elastic]") {
    CHECK(judge_request(200, "") == request_verdict::read_items);
    CHECK(judge_request(429, "") == request_verdict::overloaded);
    CHECK(judge_request(413, "") == request_verdict::too_large);
    CHECK(judge_request(400, "illegal_argument_exception") == request_verdict::malformed);
    CHECK(judge_request(401, "") == request_verdict::denied);
    CHECK(judge_request(403, "") == request_verdict::denied);
    CHECK(judge_request(404, "") == request_verdict::misplaced);
    CHECK(judge_request(302, "") == request_verdict::misplaced);
    CHECK(judge_request(503, "") == request_verdict::unavailable);
    CHECK(judge_request(408, "") == request_verdict::unavailable);
}

TEST_CASE("a request that is in work fits later, one beyond the limit never",
          "[transfer][elastic]") {
    CHECK_FALSE(
        never_fits("[coordinating_operation_bytes=10, max_coordinating_and_primary_bytes=20]"));
    CHECK_FALSE(never_fits("queue is full"));
    CHECK(retry_after("7") == 7s);
    CHECK(retry_after("7000") == 60s);
    CHECK(retry_after("") == 0s);
    CHECK(retry_after("Mon, 30 Nov 2026 00:00:00 GMT") == 0s);
}

// --- pace ----------------------------------------------------------------------------------------

TEST_CASE("requests become more while nobody complains", "[transfer][elastic]") {
    request_pace pace{4, 1 << 20, 1000};
    CHECK(pace.requests() == 2);
    for (int at = 0; at < 2; ++at)
        pace.taken();
    CHECK(pace.requests() == 3);
    for (int at = 0; at < 100; ++at)
        pace.taken();
    CHECK(pace.requests() == 4);
    CHECK(pace.bytes() == 1 << 20);
}

TEST_CASE("an overload halves what is sent, once for all that was on its way",
          "[transfer][elastic]") {
    request_pace pace{8, 1 << 20, 1000};
    for (int at = 0; at < 100; ++at)
        pace.taken();
    CHECK(pace.requests() == 8);
    pace.overloaded(now, now + 1s, 100'000, 500);
    pace.overloaded(now, now + 2s, 100'000, 500);
    CHECK(pace.requests() == 4);
    CHECK(pace.bytes() == 50'000);
    CHECK(pace.records() == 250);
    for (int at = 0; at < 30; ++at)
        pace.overloaded(now + 10s * (at + 1), now + 10s * (at + 1), 100, 1);
    CHECK(pace.requests() == 1);
    CHECK(pace.bytes() == 1024);
    CHECK(pace.records() == 1);
    for (int at = 0; at < 1000; ++at)
        pace.taken();
    CHECK(pace.requests() == 8);
    CHECK(pace.bytes() == 1 << 20);
    CHECK(pace.records() == 1000);
}

TEST_CASE("a body that was too large is not tried again at that size", "[transfer][elastic]") {
    request_pace pace{8, 1 << 20, 1000};
    pace.too_large(300'000);
    CHECK(pace.bytes() == 150'000);
    for (int at = 0; at < 1000; ++at)
        pace.taken();
    CHECK(pace.bytes() == 150'000);
}

// --- nodes ---------------------------------------------------------------------------------------

TEST_CASE("requests go to the node that has the fewest", "[transfer][elastic]") {
    node_pool nodes{{{"a", 1}, {"b", 1}}};
    const auto first = nodes.take(now);
    const auto second = nodes.take(now);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(*first != *second);
    nodes.answered(*second);
    CHECK(nodes.take(now) == second);
    nodes.answered(*second);
    CHECK(nodes.take(now) == second);
}

TEST_CASE("a node that failed is left out for ever longer, and tried by one request",
          "[transfer][elastic]") {
    node_pool nodes{{{"a", 1}}};
    auto at = now;
    steady::duration before{};
    for (int round = 0; round < 10; ++round) {
        REQUIRE(nodes.take(at));
        if (round > 0) CHECK_FALSE(nodes.take(at));
        nodes.failed(0, at);
        CHECK_FALSE(nodes.take(at));
        const auto out = nodes.next(at) - at;
        CHECK(out >= before);
        CHECK(out <= 4s);
        before = out;
        at = nodes.next(at);
    }
    REQUIRE(nodes.take(at));
    nodes.answered(0);
    CHECK(nodes.take(at));
    CHECK(nodes.take(at));
}

TEST_CASE("requests that fail together count once", "[transfer][elastic]") {
    node_pool nodes{{{"a", 1}}};
    for (int at = 0; at < 4; ++at)
        REQUIRE(nodes.take(now));
    for (int at = 0; at < 4; ++at)
        nodes.failed(0, now);
    CHECK(nodes.next(now) == now + 250ms);
}

}  // namespace
}  // namespace logagent::transfer
