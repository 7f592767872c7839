#pragma once

#include "logagent/http/message.hpp"

namespace logagent::web {

/// GET, HEAD and OPTIONS change nothing.
bool is_safe_method(std::string_view method);

/// Whether a request that carries a cookie comes from one of our own pages, so that no other page
/// can use the cookie for a change: Sec-Fetch-Site where the browser sends it, else an Origin that
/// names the Host of the request, under TLS by https. Neither of them: no.
bool from_own_page(const http::request& asked, bool tls);

}  // namespace logagent::web
