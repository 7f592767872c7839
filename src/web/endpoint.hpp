#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "access.hpp"
#include "exchange.hpp"
#include "logagent/http/message.hpp"
#include "problem.hpp"

namespace logagent::web {

struct parts;

/// Whom an endpoint answers.
enum class needs : std::uint8_t {
    nobody,  // everybody may ask
    viewer,
    tailer,
    editor,
    whole_editor,  // an editor who is not limited to some services
    admin,
    whole_admin,  // an admin who is not limited to some services
};

/// What the body of a request is.
enum class content : std::uint8_t {
    none,
    json,
    merge_patch,
    stored,  // none; what is changed, and why, was said before
};

/// One line of the API.
struct endpoint {
    std::string_view method;
    std::string_view pattern;  // {name} is a service where `of_service` is set
    needs access = needs::viewer;
    content body = content::none;
    std::string_view change = {};  // what the audit calls it; empty = it changes nothing
    bool of_service = false;
    boost::asio::awaitable<http::response> (*answer)(parts& with, exchange& one) = nullptr;
};

/// Every endpoint, in the order of the documentation.
std::span<const endpoint> endpoints();

/// Why this principal (null: nobody) may not use the endpoint for that service; nothing if he may.
/// Pure.
std::optional<problem> access_problem(const endpoint& asked, const principal* who,
                                      std::string_view service);

}  // namespace logagent::web
