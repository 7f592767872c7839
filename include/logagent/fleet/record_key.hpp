#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace logagent::fleet {

/// Where the line of a Kafka record came from.
struct record_origin {
    std::string host;
    std::string service;
    std::string path;
    std::string generation;
    std::uint64_t start = 0;  // byte range in the file, the line end included
    std::uint64_t end = 0;
};

/// Reads the key `["host","service","path","generation",start,end]`; nullopt for every other one.
std::optional<record_origin> parse_record_key(std::string_view key);

/// Reads the same out of a value of `format: json`, for records that have another key. `message`
/// gets the line.
std::optional<record_origin> parse_envelope(std::string_view value, std::string& message);

}  // namespace logagent::fleet
