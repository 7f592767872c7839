#pragma once

#include <boost/json/object.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/http/message.hpp"

namespace logagent::web {

/// What is wrong with one place of a request's body.
struct field_error {
    std::string pointer;  // RFC 6901
    std::string code;
    std::string detail;
};

/// Why a request is not done, as RFC 9457 has it.
struct problem {
    unsigned status = 500;
    std::string code;    // short, stable, lower case: "not_found", "stale"
    std::string detail;  // one or two sentences: what was asked, why not, what is allowed
    std::vector<field_error> errors;
    boost::json::object more;         // further members, for example "current"
    std::vector<http::field> fields;  // of the answer's head: ETag, Retry-After, Allow
};

/// A refusal on its way up to where it becomes an answer.
class refused : public std::runtime_error {
public:
    explicit refused(problem why) : std::runtime_error{why.detail}, why_{std::move(why)} {}
    refused(unsigned status, std::string code, std::string detail);

    const problem& why() const noexcept { return why_; }

private:
    problem why_;
};

/// The code of a status that has only one meaning here: 404 "not_found".
std::string_view code_of(unsigned status);

/// application/problem+json with type, title, status, code, detail, request_id and errors.
http::response answer_of(const problem& why, std::string_view request_id);

}  // namespace logagent::web
