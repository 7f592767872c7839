#pragma once

// HTTP as the rest of the program sees it: plain values. The library that reads and writes the wire
// format appears in two source files of this folder and in no header.

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace logagent::http {

struct field {
    std::string name;
    std::string value;
};

/// The first value of a header field, names compared without case; empty if there is none.
std::string_view find(const std::vector<field>& fields, std::string_view name);

struct request {
    std::string method = "GET";
    std::string target = "/";  // path and query as on the wire, still percent-encoded
    std::vector<field> fields;
    std::string body;

    // Filled by the server.
    boost::asio::ip::address peer;
    std::vector<field> parameters;  // values of the {names} in the route's pattern, decoded

    /// The path without the query, still encoded.
    std::string_view path() const;
    /// The decoded value of a query parameter; nullopt if it is not there.
    std::optional<std::string> query(std::string_view name) const;
    /// The value of a {name} of the route's pattern; empty if there is none.
    std::string_view parameter(std::string_view name) const { return find(parameters, name); }
};

/// Gives a long body piece by piece: each call returns the next slice (best 4 to 64 KiB), an empty
/// one ends the body. Other work of the loop runs between two calls.
using body_slices = std::function<std::string()>;

struct response {
    unsigned status = 200;
    std::vector<field> fields;
    std::string body;
    body_slices slices;  // server only: if set, sent chunked instead of `body`
};

/// A short answer of a server: `text` as a line of text/plain.
response plain_text(unsigned status, std::string text);

/// An answer of type application/json.
response json_text(std::string json);

}  // namespace logagent::http
