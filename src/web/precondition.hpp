#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/http/message.hpp"

namespace logagent::web {

/// The entity tag of a document: etcd's mod_revision of its key, in quotes.
std::string etag_of(std::int64_t mod_revision);

/// What a change expects of the document it changes (RFC 9110, 13.1).
struct precondition {
    enum class kind {
        none,       // neither If-Match nor If-None-Match: 428
        create,     // If-None-Match: *
        existing,   // If-Match: *
        revisions,  // If-Match: "12"; a tag that is not ours can never match
        broken,     // both, or something that cannot be read: 400
    };

    kind what = kind::none;
    std::vector<std::int64_t> revisions;

    /// Whether a document of this mod_revision (0 = there is none) may be changed.
    bool holds(std::int64_t mod_revision) const;
};

/// Weak tags never match in If-Match, so they count as unknown ones.
precondition read_precondition(const http::request& from);

/// Whether If-None-Match of a GET names this tag: then 304.
bool not_modified(const http::request& asked, std::string_view etag);

}  // namespace logagent::web
