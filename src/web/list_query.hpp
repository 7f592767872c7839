#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "logagent/fleet/selector.hpp"
#include "logagent/http/message.hpp"
#include "page.hpp"

namespace logagent::web {

/// What of a list is asked for: `q`, `state`, `selector`, `sort`. Pure.
struct list_query {
    std::string text;   // in lower case; every word of it must be there; "" = all
    std::string state;  // "" = all
    fleet::selector selected;
    std::string sort;  // "name", "-lag_bytes": "-" = the largest first
    bool with_selector = false;

    /// Whether anything but the plain list is asked for.
    bool narrows() const { return !text.empty() || !state.empty() || with_selector; }
};

/// Throws `refused` (400) for a state or an order that is none of these, 422 for a bad selector.
list_query read_query(const http::request& asked, std::span<const std::string_view> states,
                      std::span<const std::string_view> orders);

/// Whether every word of the query is in one of these texts, in upper or lower case.
bool has_words(std::string_view query, std::span<const std::string> texts);

/// The part of a list in memory that a page shows; pages go by position, so that any order will do.
struct list_part {
    std::size_t first = 0;
    std::size_t last = 0;
    boost::json::value next_page_token;  // null at the end
};
list_part part_of(const page_request& page, std::size_t size);

}  // namespace logagent::web
