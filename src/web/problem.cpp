#include "problem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "logagent/base/escape.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

struct meaning {
    unsigned status;
    std::string_view code;
    std::string_view title;
};

constexpr meaning meanings[] = {
    {400, "bad_request", "Bad request"},
    {401, "unauthenticated", "Authentication needed"},
    {403, "forbidden", "Not allowed"},
    {404, "not_found", "Not found"},
    {405, "method_not_allowed", "Method not allowed"},
    {408, "timeout", "The request took too long"},
    {409, "conflict", "Conflict"},
    {410, "gone", "Gone"},
    {412, "stale", "Changed by somebody else"},
    {413, "too_large", "Too large"},
    {415, "media_type", "Unsupported media type"},
    {421, "misdirected", "Wrong host"},
    {422, "invalid", "The content is not accepted"},
    {428, "precondition_required", "A precondition is needed"},
    {429, "too_many_requests", "Too many requests"},
    {431, "head_too_large", "The head of the request is too long"},
    {500, "internal", "Failure inside the server"},
    {503, "unavailable", "Not available now"},
    {504, "no_answer", "No answer in time"},
};

const meaning* find_meaning(unsigned status) {
    for (const auto& one : meanings)
        if (one.status == status) return &one;
    return nullptr;
}

/// Foreign bytes may stand in a detail; what goes out is UTF-8.
json::string safe(std::string_view text) {
    std::string repaired;
    base::append_repaired(repaired, text);
    return json::string{repaired};
}

}  // namespace

refused::refused(unsigned status, std::string code, std::string detail)
    : refused{[&] {
          problem why;
          why.status = status;
          why.code = std::move(code);
          why.detail = std::move(detail);
          return why;
      }()} {}

std::string_view code_of(unsigned status) {
    const auto* known = find_meaning(status);
    return known ? known->code : "error";
}

http::response answer_of(const problem& why, std::string_view request_id) {
    const auto* known = find_meaning(why.status);
    const std::string code{why.code.empty() ? code_of(why.status) : std::string_view{why.code}};
    json::object body;
    body["type"] = "urn:logagent:problem:" + code;
    body["title"] = known ? known->title : "Error";
    body["status"] = why.status;
    body["code"] = code;
    body["detail"] = safe(why.detail);
    body["request_id"] = safe(request_id);
    json::array errors;
    for (const auto& one : why.errors) {
        json::object error;
        error["pointer"] = safe(one.pointer);
        error["code"] = safe(one.code);
        error["detail"] = safe(one.detail);
        errors.push_back(std::move(error));
    }
    body["errors"] = std::move(errors);
    for (const auto& member : why.more)
        body[member.key()] = member.value();
    http::response made;
    made.status = why.status;
    made.fields = why.fields;
    made.fields.push_back({"Content-Type", "application/problem+json"});
    made.body = json::serialize(body);
    return made;
}

}  // namespace logagent::web
