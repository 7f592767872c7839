#include "transfer/record_form.hpp"

#include <algorithm>

#include "transfer/json_scan.hpp"

namespace logagent::transfer {

namespace {

constexpr std::size_t generation_size = 22;

bool is_generation(std::string_view text) {
    return text.size() == generation_size && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

/// "generation",start,end]
bool read_identity(json_scan& from, std::string_view generation, record_origin& out) {
    if (!is_generation(generation) || !from.eat(',')) return false;
    const auto start = from.number();
    if (!start || !from.eat(',')) return false;
    const auto end = from.number();
    if (!end || *start > *end || !from.eat(']') || !from.at_end()) return false;
    out.generation = generation;
    out.start = *start;
    out.end = *end;
    return true;
}

/// Which of the members of an envelope were there.
struct members_seen {
    bool generation = false;
    bool start = false;
    bool end = false;
    bool message = false;
};

bool read_text(json_scan& from, std::string_view& out) {
    const auto text = from.text();
    if (text) out = *text;
    return text.has_value();
}

bool read_number(json_scan& from, std::uint64_t& out) {
    const auto number = from.number();
    if (number) out = *number;
    return number.has_value();
}

bool read_member(json_scan& from, std::string_view name, envelope& out, members_seen& seen) {
    std::string_view moment;
    if (name == "@timestamp") return read_text(from, moment);
    if (name == "host") return read_text(from, out.origin.host);
    if (name == "service") return read_text(from, out.origin.service);
    if (name == "path") return read_text(from, out.origin.path);
    if (name == "generation")
        return seen.generation =
                   read_text(from, out.origin.generation) && is_generation(out.origin.generation);
    if (name == "start") return seen.start = read_number(from, out.origin.start);
    if (name == "end") return seen.end = read_number(from, out.origin.end);
    if (name == "message") return seen.message = read_text(from, out.message);
    if (name == "encoding_error") return out.encoding_error = from.eat("true");
    return false;
}

}  // namespace

std::optional<record_origin> read_key(std::string_view key) {
    json_scan from{key};
    if (!from.eat('[')) return std::nullopt;
    const auto first = from.text();
    if (!first) return std::nullopt;
    record_origin found;
    if (json_scan short_form = from; read_identity(short_form, *first, found)) return found;
    found.host = *first;
    if (!from.eat(',') || !read_text(from, found.service)) return std::nullopt;
    if (!from.eat(',') || !read_text(from, found.path)) return std::nullopt;
    if (!from.eat(',')) return std::nullopt;
    const auto generation = from.text();
    if (!generation || !read_identity(from, *generation, found)) return std::nullopt;
    return found;
}

std::optional<envelope> read_envelope(std::string_view value) {
    json_scan from{value};
    // Most lines end here.
    if (!from.eat('{')) return std::nullopt;
    envelope found;
    members_seen seen;
    do {
        const auto name = from.text();
        if (!name || !from.eat(':') || !read_member(from, *name, found, seen)) return std::nullopt;
    } while (from.eat(','));
    if (!from.eat('}') || !from.at_end()) return std::nullopt;
    if (!seen.generation || !seen.start || !seen.end || !seen.message) return std::nullopt;
    if (found.origin.start > found.origin.end) return std::nullopt;
    return found;
}

}  // namespace logagent::transfer
