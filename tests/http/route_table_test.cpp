#include "http/route_table.hpp"

#include "support/test.hpp"

namespace http = logagent::http;

namespace {

std::string values(std::string_view pattern, std::string_view path) {
    const auto found = http::fit(pattern, path);
    if (!found) return "none";
    std::string text;
    for (const auto& [name, value] : *found)
        text += name + "=" + value + ";";
    return text;
}

}  // namespace

TEST_CASE("a pattern takes parameters from the segments of a path", "[http]") {
    CHECK(values("/status", "/status").empty());
    CHECK(values("/status", "/status/") == "none");
    CHECK(values("/hosts/{host}", "/hosts/a%20b") == "host=a b;");
    CHECK(values("/hosts/{host}", "/hosts/") == "none");
    CHECK(values("/hosts/{host}", "/hosts/a/b") == "none");
    CHECK(values("/hosts/{host}/files/{id}", "/hosts/a/files/7") == "host=a;id=7;");
    CHECK(values("/services/{name}:rollback", "/services/a:b:rollback") == "name=a:b;");
    CHECK(values("/services/{name}:rollback", "/services/a") == "none");
    CHECK(values("/ui/{path...}", "/ui/a/b.js") == "path=a/b.js;");
}

TEST_CASE("an encoded slash stays inside its parameter", "[http]") {
    CHECK(values("/files/{path}", "/files/%2Fvar%2Flog") == "path=/var/log;");
}

TEST_CASE("the first route that fits answers, and a wrong method says what is allowed", "[http]") {
    const auto nothing = [](const http::request&) { return http::response{}; };
    const std::vector<http::route> routes{
        {"GET", "/a", nothing}, {"PUT", "/a", nothing}, {"GET", "/{other}", nothing}};
    CHECK(http::find_route(routes, "GET", "/a").found == &routes[0]);
    CHECK(http::find_route(routes, "HEAD", "/a").found == &routes[0]);
    CHECK(http::find_route(routes, "PUT", "/a").found == &routes[1]);
    CHECK(http::find_route(routes, "GET", "/b").found == &routes[2]);

    const auto wrong = http::find_route({routes.begin(), routes.begin() + 2}, "DELETE", "/a");
    CHECK(wrong.found == nullptr);
    CHECK(wrong.allowed == "GET, HEAD, PUT");
    CHECK(http::find_route(routes, "GET", "/b/c").allowed.empty());
}
