#include "logagent/fleet/record_key.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

namespace logagent::fleet {

namespace json = boost::json;

namespace {

constexpr std::string_view envelope_begin = "{\"@timestamp\"";

bool take(const json::value& from, std::string& into) {
    if (!from.is_string()) return false;
    into.assign(from.get_string().data(), from.get_string().size());
    return true;
}

bool take(const json::value& from, std::uint64_t& into) {
    boost::system::error_code wrong;
    into = from.to_number<std::uint64_t>(wrong);
    return !wrong;
}

}  // namespace

std::optional<record_origin> parse_record_key(std::string_view key) {
    if (!key.starts_with("[\"")) return std::nullopt;
    std::array<unsigned char, 2048> space;
    json::monotonic_resource memory{space.data(), space.size()};
    boost::system::error_code wrong;
    const auto read = json::parse(key, wrong, &memory);
    if (wrong || !read.is_array() || read.get_array().size() != 6) return std::nullopt;
    const auto& parts = read.get_array();
    record_origin out;
    const bool right = take(parts[0], out.host) && take(parts[1], out.service) &&
                       take(parts[2], out.path) && take(parts[3], out.generation) &&
                       take(parts[4], out.start) && take(parts[5], out.end);
    if (!right) return std::nullopt;
    return out;
}

std::optional<record_origin> parse_envelope(std::string_view value, std::string& message) {
    if (!value.starts_with(envelope_begin)) return std::nullopt;
    boost::system::error_code wrong;
    const auto read = json::parse(value, wrong);
    if (wrong || !read.is_object()) return std::nullopt;
    const auto member = [&](std::string_view name, auto& into) {
        const auto* found = read.get_object().if_contains(name);
        return found && take(*found, into);
    };
    record_origin out;
    const bool right = member("host", out.host) && member("service", out.service) &&
                       member("path", out.path) && member("generation", out.generation) &&
                       member("start", out.start) && member("end", out.end) &&
                       member("message", message);
    if (!right) return std::nullopt;
    return out;
}

}  // namespace logagent::fleet
