#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "logagent/http/message.hpp"

namespace logagent::web {

/// Which part of a list is asked for.
struct page_request {
    std::size_t limit = 100;    // 1 to 500
    std::int64_t revision = 0;  // of etcd; 0 = now. All pages show the same moment.
    std::string after;          // the last name of the page before; "" = from the start
};

/// Reads `limit` and `page_token`; throws `refused` (400).
page_request read_page(const http::request& asked);

/// The token of the page behind `last`. Opaque to clients.
std::string page_token(std::int64_t revision, std::string_view last);

/// What page_token() was made from; nullopt if it was not.
std::optional<page_request> parse_page_token(std::string_view token);

}  // namespace logagent::web
