#include "origin.hpp"

namespace logagent::web {

bool is_safe_method(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

bool from_own_page(const http::request& asked, bool tls) {
    const auto site = http::find(asked.fields, "Sec-Fetch-Site");
    // "none" is the user himself: an address typed in, a bookmark.
    if (!site.empty()) return site == "same-origin" || site == "none";
    const auto origin = http::find(asked.fields, "Origin");
    const auto host = http::find(asked.fields, "Host");
    const auto scheme = origin.find("://");
    // Whoever sits on the network can make a page of this name over http.
    if (tls && !origin.starts_with("https://")) return false;
    return scheme != origin.npos && !host.empty() && origin.substr(scheme + 3) == host;
}

}  // namespace logagent::web
