#pragma once

#include <cstddef>
#include <string>

#include "logagent/http/error.hpp"
#include "logagent/http/message.hpp"

namespace logagent::transfer {

/// What the answer of a DRPC server means for a batch.
enum class storm_verdict {
    accepted,      // the topology has the records
    failed,        // the topology said no
    unclear,       // no topology, a slow one, or one that failed: the answer does not tell
    passing,       // the server has a problem
    unauthorized,  // a person has to act
};

struct storm_answer {
    storm_verdict verdict = storm_verdict::passing;
    std::string code;  // for metrics: "failed_request", "timeout", "server", "connection", ...
    std::string text;  // for people
};

/// Reads an answer to `records` records. Accepted is 200 with nothing, "OK", or {"acked":N} with
/// that number. Storm 2 gives errors as JSON ({"error":"FAILED_REQUEST"} with 400, 503 when it
/// stops, 504 when nobody took the request in time); Storm 1 says 500 with a page to everything.
storm_answer read_storm_answer(const http::response& answer, std::size_t records);

/// No answer at all.
storm_answer read_storm_failure(const http::error& failure);

}  // namespace logagent::transfer
