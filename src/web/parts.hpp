#pragma once

#include <functional>
#include <string>

#include "credentials.hpp"
#include "host_registry.hpp"
#include "key_names.hpp"
#include "logagent/http/server.hpp"
#include "login_limiter.hpp"
#include "repository.hpp"

namespace logagent::web {

/// What the endpoints work with. All of it outlives every request.
struct parts {
    key_names keys;
    repository& store;
    credentials& tokens;
    host_registry& hosts;
    login_limiter logins;
    bool tls = false;                                 // what is served is
    std::function<std::string()> not_ready;           // why not, one line; empty = ready
    std::function<http::server_counters()> counters;  // of the server
    std::map<unsigned, std::uint64_t> answers;        // by status
};

}  // namespace logagent::web
