#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "support/test.hpp"
#include "web/api.hpp"
#include "web/cookie.hpp"
#include "web/origin.hpp"
#include "web/page.hpp"
#include "web/precondition.hpp"
#include "web/problem.hpp"
#include "web/service_document.hpp"
#include "web/stamp.hpp"

namespace web = logagent::web;
namespace http = logagent::http;
namespace json = boost::json;

namespace {

http::request with(std::vector<http::field> fields) {
    http::request made;
    made.fields = std::move(fields);
    return made;
}

web::precondition matching(std::string tags) {
    return web::read_precondition(with({{"If-Match", std::move(tags)}}));
}

const web::endpoint& find_endpoint(std::string_view method, std::string_view pattern) {
    for (const auto& one : web::endpoints())
        if (one.method == method && one.pattern == pattern) return one;
    throw std::logic_error{"no such endpoint"};
}

/// Status and code of what read_content() says to this; "200" if it accepts.
std::string content_of(const web::endpoint& asked, http::request request) {
    web::exchange one;
    one.asked = &asked;
    one.request = std::move(request);
    try {
        web::read_content(one);
    } catch (const web::refused& refusal) {
        return std::to_string(refusal.why().status) + " " + refusal.why().code;
    }
    return "200 " + one.message + json::serialize(one.body);
}

http::request json_request(std::string body, std::string type = "application/json") {
    auto made = with({{"Content-Type", std::move(type)}});
    made.body = std::move(body);
    return made;
}

}  // namespace

TEST_CASE("a problem is what RFC 9457 says, with pointers and the request's id", "[web]") {
    web::problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = "bad \xff byte";
    why.errors.push_back({"/files/0/topic", "topic", "is no topic"});
    why.more["current"] = nullptr;
    why.fields.push_back({"ETag", "\"7\""});
    const auto made = web::answer_of(why, "id-1");
    CHECK(made.status == 422);
    CHECK(http::find(made.fields, "Content-Type") == "application/problem+json");
    CHECK(http::find(made.fields, "ETag") == "\"7\"");
    const auto body = json::parse(made.body).as_object();
    CHECK(body.at("type") == "urn:logagent:problem:invalid");
    CHECK(body.at("title") == "The content is not accepted");
    CHECK(body.at("status") == 422);
    CHECK(body.at("detail") == "bad \xef\xbf\xbd byte");
    CHECK(body.at("request_id") == "id-1");
    CHECK(json::serialize(body.at("errors")) ==
          R"([{"pointer":"/files/0/topic","code":"topic","detail":"is no topic"}])");
    CHECK(body.at("current").is_null());
}

TEST_CASE("a change says which state it changes", "[web]") {
    using kind = web::precondition::kind;
    CHECK(web::read_precondition({}).what == kind::none);
    CHECK_FALSE(web::read_precondition({}).holds(0));

    CHECK(matching("\"12\"").holds(12));
    CHECK_FALSE(matching("\"12\"").holds(13));
    CHECK_FALSE(matching("\"0\"").holds(0));
    CHECK(matching(" \"3\" , \"12\" ").holds(12));
    CHECK_FALSE(matching("W/\"12\"").holds(12));
    CHECK(matching("\"of somebody else\"").what == kind::revisions);
    CHECK_FALSE(matching("\"of somebody else\"").holds(12));
    CHECK(matching("*").holds(12));
    CHECK_FALSE(matching("*").holds(0));

    const auto create = web::read_precondition(with({{"If-None-Match", "*"}}));
    CHECK(create.holds(0));
    CHECK_FALSE(create.holds(12));

    for (const auto* bad : {"12", "\"12", "\"1\" \"2\"", ","})
        CHECK(matching(bad).what == kind::broken);
    CHECK(web::read_precondition(with({{"If-None-Match", "\"1\""}})).what == kind::broken);
    CHECK(web::read_precondition(with({{"If-None-Match", "*"}, {"If-Match", "*"}})).what ==
          kind::broken);
}

TEST_CASE("a client that has the document already is told so", "[web]") {
    CHECK(web::not_modified(with({{"If-None-Match", "\"1\", W/\"7\""}}), web::etag_of(7)));
    CHECK(web::not_modified(with({{"If-None-Match", "*"}}), "\"7\""));
    CHECK_FALSE(web::not_modified(with({{"If-None-Match", "\"8\""}}), "\"7\""));
    CHECK_FALSE(web::not_modified({}, "\"7\""));
}

TEST_CASE("a cookie that is there twice is not taken", "[web]") {
    CHECK(web::find_cookie(with({{"cookie", "a=1; b=2=3;c="}}), "b") == "2=3");
    CHECK(web::find_cookie(with({{"Cookie", "a=1; b=2"}}), "c") == std::nullopt);
    CHECK(web::find_cookie(with({{"Cookie", "a=1; a=2"}}), "a") == std::nullopt);
    CHECK(web::find_cookie(with({{"Cookie", "xa=1"}}), "a") == std::nullopt);
}

TEST_CASE("a session's cookie stays with this server and out of scripts", "[web]") {
    CHECK(web::session_cookie("v", 60, false) ==
          "logagent-session=v; Path=/; HttpOnly; SameSite=Strict; Max-Age=60");
    CHECK(web::session_cookie("v", 60, true) ==
          "__Host-logagent-session=v; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure");
}

TEST_CASE("only our own pages may use a session for a change", "[web]") {
    bool tls = false;
    const auto own = [&](std::vector<http::field> fields) {
        fields.push_back({"Host", "127.0.0.1:9480"});
        return web::from_own_page(with(std::move(fields)), tls);
    };
    CHECK(own({{"Sec-Fetch-Site", "same-origin"}}));
    CHECK(own({{"Sec-Fetch-Site", "none"}}));
    CHECK_FALSE(own({{"Sec-Fetch-Site", "same-site"}}));
    CHECK_FALSE(own({{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://127.0.0.1:9480"}}));
    CHECK(own({{"Origin", "http://127.0.0.1:9480"}}));
    CHECK_FALSE(own({{"Origin", "http://127.0.0.1:9999"}}));
    CHECK_FALSE(own({{"Origin", "null"}}));
    CHECK_FALSE(own({}));
    CHECK(own({{"Origin", "https://127.0.0.1:9480"}}));  // TLS ends at a proxy

    tls = true;
    CHECK(own({{"Origin", "https://127.0.0.1:9480"}}));
    CHECK_FALSE(own({{"Origin", "http://127.0.0.1:9480"}}));
    CHECK_FALSE(own({{"Origin", "https://127.0.0.1:9999"}}));
    CHECK(own({{"Sec-Fetch-Site", "same-origin"}}));
    CHECK_FALSE(own({}));
    CHECK(web::is_safe_method("HEAD"));
    CHECK_FALSE(web::is_safe_method("PUT"));
}

TEST_CASE("a page token brings back its revision and its place", "[web]") {
    const auto back = web::parse_page_token(web::page_token(42, "shop:eu"));
    REQUIRE(back);
    CHECK(back->revision == 42);
    CHECK(back->after == "shop:eu");
    for (const auto* bad : {"", "x", "NDI", "MDphYg"})  // no text, no base64, "42", "0:ab"
        CHECK_FALSE(web::parse_page_token(bad));

    http::request asked;
    asked.target = "/api/v1/services?limit=501";
    CHECK_THROWS_AS(web::read_page(asked), web::refused);
    asked.target = "/api/v1/services?limit=500&page_token=" + web::page_token(42, "a");
    CHECK(web::read_page(asked).limit == 500);
    CHECK(web::read_page(asked).after == "a");
}

TEST_CASE("the body of a change is JSON, an object, and gives a reason", "[web]") {
    const auto& put = find_endpoint("PUT", "/api/v1/services/{name}");
    CHECK(content_of(put, json_request(R"({"a":1,"message":"why"})")) == R"(200 why{"a":1})");
    CHECK(content_of(put, json_request(R"({"message":"w"})", "Application/JSON; charset=utf-8")) ==
          "200 w{}");
    CHECK(content_of(put, json_request(R"({"message":"w"})", "text/plain")) == "415 media_type");
    CHECK(content_of(put, json_request(R"({"message":"w"})", "application/merge-patch+json")) ==
          "415 media_type");
    CHECK(content_of(put, json_request(R"({"message":"w","message":"w"})")) == "400 json");
    CHECK(content_of(put, json_request("[]")) == "422 invalid");
    CHECK(content_of(put, json_request("{}")) == "422 invalid");
    CHECK(content_of(put, json_request(R"({"message":""})")) == "422 invalid");

    const auto& patch = find_endpoint("PATCH", "/api/v1/services/{name}");
    CHECK(content_of(patch, json_request(R"({"message":"w"})", "application/merge-patch+json")) ==
          "200 w{}");

    const auto& remove = find_endpoint("DELETE", "/api/v1/services/{name}");
    CHECK(content_of(remove, with({{"X-Message", "why"}})) == "200 why{}");
    CHECK(content_of(remove, {}) == "422 message");
    auto odd = with({{"X-Message", "why"}});
    odd.target = "/x?dry_run=perhaps";
    CHECK(content_of(remove, odd) == "400 query");
}

TEST_CASE("a request keeps a modest id of its own", "[web]") {
    CHECK(web::request_id(with({{"X-Request-Id", "abc-1.Z_"}}), 0) == "abc-1.Z_");
    CHECK(web::request_id(with({{"X-Request-Id", "a b"}}), 0).size() == 26);
    CHECK(web::request_id(with({{"X-Request-Id", std::string(65, 'a')}}), 0).size() == 26);
    CHECK(web::request_id({}, 0) != web::request_id({}, 0));
}

TEST_CASE("stamps sort by time", "[web]") {
    CHECK(web::utc_time(1'772'600'767'089) == "2026-03-04T05:06:07.089Z");
    CHECK(web::ulid(0, std::string(10, '\0')) == "00000000000000000000000000");
    CHECK(web::ulid((std::int64_t{1} << 48) - 1, std::string(10, '\xff')) ==
          "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    CHECK(web::ulid(1'469'918'176'385, std::string(10, '\0')) == "01ARYZ6S410000000000000000");
}

TEST_CASE("a service's name is a modest word", "[web]") {
    CHECK(web::valid_service_name("shop.eu-1_x"));
    for (const std::string bad : {"", ".a", "-a", "a/b", "a b", "\xc3\xa4"})
        CHECK_FALSE(web::valid_service_name(bad));
    CHECK_FALSE(web::valid_service_name(std::string(65, 'a')));
}
