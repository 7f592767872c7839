#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "endpoint.hpp"
#include "logagent/http/server.hpp"
#include "parts.hpp"

namespace logagent::web {

/// Takes each request through the same gates: who asks, from which page, may he, is the body right;
/// then its endpoint answers, and a refused change is recorded.
class api {
public:
    explicit api(parts& with) : parts_{with} {}

    /// For the server. This object outlives it.
    std::vector<http::route> routes();

    /// What the server refuses by itself, as a problem.
    http::response refuse(const http::request& asked, unsigned status, std::string text);

private:
    boost::asio::awaitable<http::response> serve(const endpoint& asked, http::request request);
    boost::asio::awaitable<http::response> pass_gates(exchange& one);
    void let_in(exchange& one);
    /// The answer that was given under the same Idempotency-Key before.
    boost::asio::awaitable<std::optional<http::response>> earlier_answer(exchange& one);

    parts& parts_;
};

/// Reads the body and the reason of a change; throws `refused` (400, 415, 422). Pure.
void read_content(exchange& one);

/// The request's own id if it is a modest word, else a new one.
std::string request_id(const http::request& asked, std::int64_t now_ms);

}  // namespace logagent::web
