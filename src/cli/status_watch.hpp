#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <iosfwd>
#include <string>

#include "cli/status_reader.hpp"

namespace logagent::cli {

struct status_view {
    bool as_json = false;
    bool ledger = false;
};

/// Prints what the agent says.
boost::asio::awaitable<void> print_status_once(status_reader& reader, status_view as,
                                               std::ostream& out);

/// The same every second until it is stopped: on a terminal on the whole screen, with keys; else
/// one below the other. An agent that is not there at first is an error, one that goes away is
/// waited for.
boost::asio::awaitable<void> watch_status(status_reader& reader, status_view as, std::ostream& out);

/// How many files in which state, what they send, and how much waits: one line.
std::string status_sum(const boost::json::value& document);

/// A screen of it: a title, the header and the head of the table stay, files scroll by `first`.
std::string status_screen(const boost::json::value& document, std::size_t width, std::size_t rows,
                          std::size_t first, bool colours);

}  // namespace logagent::cli
