#include "web/openapi.hpp"

#include <boost/json/parse.hpp>
#include <set>

#include "support/test.hpp"
#include "web/endpoint.hpp"

namespace web = logagent::web;
namespace json = boost::json;

namespace {

/// Endpoints of the document, "GET /healthz".
std::set<std::string> documented(const json::value& document) {
    std::set<std::string> out;
    for (const auto& path : document.at("paths").as_object())
        for (const auto& operation : path.value().as_object()) {
            std::string method{operation.key()};
            for (auto& c : method)
                c = static_cast<char>(c & ~0x20);
            out.insert(method + ' ' + std::string{path.key()});
        }
    return out;
}

std::string role_of(web::needs access) {
    switch (access) {
        case web::needs::nobody:
            return "";
        case web::needs::viewer:
            return "viewer";
        case web::needs::tailer:
            return "tailer";
        case web::needs::editor:
        case web::needs::whole_editor:
            return "editor";
        default:
            return "admin";
    }
}

}  // namespace

TEST_CASE("the OpenAPI document has every endpoint, with its role, and no other one", "[web]") {
    const auto document = json::parse(web::openapi_document());
    std::set<std::string> served;
    for (const auto& one : web::endpoints())
        served.insert(std::string{one.method} + ' ' + std::string{one.pattern});
    CHECK(documented(document) == served);
    for (const auto& one : web::endpoints()) {
        INFO(one.method << ' ' << one.pattern);
        const auto* path = document.at("paths").as_object().if_contains(one.pattern);
        if (!path) continue;
        std::string method{one.method};
        for (auto& c : method)
            c = static_cast<char>(c | 0x20);
        const auto* operation = path->as_object().if_contains(method);
        if (!operation) continue;
        const auto* role = operation->as_object().if_contains("x-role");
        CHECK((role ? std::string{role->as_string()} : "") == role_of(one.access));
    }
}

TEST_CASE("every reference of the OpenAPI document leads somewhere", "[web]") {
    const std::string text{web::openapi_document()};
    const auto document = json::parse(text);
    constexpr std::string_view begin = "\"$ref\":\"#/components/schemas/";
    std::size_t count = 0;
    for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at + 1)) {
        const auto from = at + begin.size();
        const auto name = text.substr(from, text.find('"', from) - from);
        CHECK(document.at("components").at("schemas").as_object().contains(name));
        ++count;
    }
    CHECK(count > 20);
}
