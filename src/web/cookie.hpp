#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "logagent/http/message.hpp"

namespace logagent::web {

/// The value of a cookie of the request; nullopt if it is not there, or there more than once: then
/// somebody else may have set one of them.
std::optional<std::string> find_cookie(const http::request& asked, std::string_view name);

/// Name of the session's cookie. Under TLS `__Host-...`, which a browser takes only with Secure and
/// without Domain; on plain loopback a name without that prefix, since not every browser takes a
/// Secure cookie over http, and none keeps cookies of two ports of a machine apart anyway.
std::string_view session_cookie_name(bool tls);

/// A Set-Cookie value: HttpOnly, SameSite=Strict, Path=/, Secure under TLS. `seconds` 0 removes it.
std::string session_cookie(std::string_view value, long seconds, bool tls);

}  // namespace logagent::web
