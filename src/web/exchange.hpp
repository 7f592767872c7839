#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "access.hpp"
#include "logagent/http/message.hpp"

namespace logagent::web {

struct endpoint;

/// One request on its way through the API.
struct exchange {
    http::request request;
    std::string id;  // of the request, for its answer, the audit and the log
    const endpoint* asked = nullptr;
    principal who;             // who.token_id is empty: nobody in particular
    bool by_session = false;   // let in by a cookie
    bool dry_run = false;      // say what would happen
    boost::json::object body;  // without "message"; empty without a body
    std::string message;       // the reason of a change
    std::int64_t now_ms = 0;   // wall clock
    bool audited = false;      // a record of it is stored
    std::string target;        // what is changed, for the audit: the service, the token
    std::string once_key;      // in etcd, from its Idempotency-Key; empty without one
    std::string once_request;  // hash of what was asked under that key

    std::string name() const { return std::string{request.parameter("name")}; }
};

/// The reason of a change, taken out of the body or, where there is none, out of X-Message; throws
/// `refused` (422).
std::string read_message(exchange& one);

}  // namespace logagent::web
