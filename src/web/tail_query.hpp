#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "access.hpp"
#include "host_registry.hpp"
#include "logagent/fleet/record_key.hpp"
#include "logagent/fleet/service.hpp"
#include "logagent/http/message.hpp"

namespace re2 {
class RE2;
}

namespace logagent::web {

/// Which lines somebody wants to see.
struct tail_query {
    std::string service;  // a definition, or the name in the records; empty = any
    std::string host;     // empty = any
    std::string path;     // a file, or a glob; empty = any
    std::string text;     // that the line holds
    std::shared_ptr<const re2::RE2> pattern;  // that is found in the line; null = any
};

/// Reads `service`, `host`, `path`, `q` and `re`; throws `refused` (422) unless one of the first
/// three is there, or where the pattern is none.
tail_query read_tail_query(const http::request& asked);

/// Where such lines are, and whose they may be.
struct tail_scope {
    /// Topics, and which partitions of them; nothing = all.
    std::map<std::string, std::optional<std::set<std::int32_t>>, std::less<>> topics;
    std::set<std::string, std::less<>> services;  // names in records; empty = all that are allowed
};

using service_map = std::map<std::string, fleet::service>;

/// Finds them out of the definitions and of what agents report: partitions only where every agent
/// that has to do with a topic has named its own. Nothing of services that `who` may not see. Pure.
tail_scope find_scope(const tail_query& query, const principal& who, const service_map& services,
                      const std::map<std::string, host_record>& hosts);

/// Whether this line is one of them.
bool fits(const tail_query& query, const tail_scope& scope, const principal& who,
          const fleet::record_origin& from, std::string_view line);

}  // namespace logagent::web
