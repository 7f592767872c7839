#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace logagent::transfer {

/// What an agent says about a record beside its bytes (DESIGN 4.4). Texts are the insides of JSON
/// strings, escapes and all; the generation has none. Empty = not told.
struct record_origin {
    std::string_view host;
    std::string_view service;
    std::string_view path;
    std::string_view generation;  // 22 base64url characters
    std::uint64_t start = 0;
    std::uint64_t end = 0;

    bool same_record(const record_origin& other) const {
        return generation == other.generation && start == other.start && end == other.end;
    }
};

/// Reads ["host","service","path","generation",start,end] or ["generation",start,end]; nothing for
/// any other key.
std::optional<record_origin> read_key(std::string_view key);

/// A value that is `format: json` of an agent.
struct envelope {
    record_origin origin;
    std::string_view message;  // the inside of a JSON string
    bool encoding_error = false;
};

/// Nothing for any other value, JSON or not: an object that has more members, or lacks one of
/// those that name the record, is a line of somebody.
std::optional<envelope> read_envelope(std::string_view value);

}  // namespace logagent::transfer
