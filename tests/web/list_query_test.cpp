#include "web/list_query.hpp"

#include "support/test.hpp"
#include "web/problem.hpp"

namespace web = logagent::web;
namespace http = logagent::http;

namespace {

constexpr std::string_view states[] = {"online", "offline"};
constexpr std::string_view orders[] = {"host", "-host"};

web::list_query read(const std::string& query) {
    http::request asked;
    asked.target = "/api/v1/hosts?" + query;
    return web::read_query(asked, states, orders);
}

unsigned refusal(const std::string& query) {
    try {
        read(query);
    } catch (const web::refused& why) {
        return why.why().status;
    }
    return 0;
}

}  // namespace

TEST_CASE("a list may be searched, narrowed and sorted by what is known, and nothing else",
          "[web]") {
    CHECK_FALSE(read("limit=5").narrows());
    CHECK(read("q=WEB").text == "web");
    CHECK(read("state=offline&sort=-host").sort == "-host");
    CHECK(read("selector=env%3Dprod").with_selector);
    CHECK(refusal("state=gone") == 400);
    CHECK(refusal("sort=age") == 400);
    CHECK(refusal("selector=%3D") == 422);
}

TEST_CASE("every word has to be in one of the texts", "[web]") {
    const std::string texts[] = {"Web01", "env=prod"};
    CHECK(web::has_words("", texts));
    CHECK(web::has_words("web", texts));
    CHECK(web::has_words("prod web0", texts));
    CHECK_FALSE(web::has_words("prod db", texts));
}

TEST_CASE("a list in memory is paged by position, to its end and not beyond", "[web]") {
    web::page_request page;
    page.limit = 10;
    auto part = web::part_of(page, 25);
    CHECK((part.first == 0 && part.last == 10 && part.next_page_token.is_string()));
    const auto next = web::parse_page_token(part.next_page_token.as_string());
    REQUIRE(next);
    page.after = next->after;
    part = web::part_of(page, 25);
    CHECK((part.first == 10 && part.last == 20));
    page.after = "20";
    part = web::part_of(page, 25);
    CHECK((part.first == 20 && part.last == 25 && part.next_page_token.is_null()));
    page.after = "99";
    part = web::part_of(page, 25);
    CHECK((part.first == 25 && part.last == 25));
}
