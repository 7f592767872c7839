#include "identity.hpp"

#include <algorithm>
#include <charconv>

namespace logagent::transfer {

namespace {

constexpr std::size_t generation_size = 22;

/// Takes a number that ends `text`, and the comma before it.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
    const auto comma = text.rfind(',');
    if (comma == text.npos) return std::nullopt;
    const auto digits = text.substr(comma + 1);
    std::uint64_t value = 0;
    const auto [stop, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc{} || stop != digits.data() + digits.size()) return std::nullopt;
    text = text.substr(0, comma);
    return value;
}

bool is_base64url(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

}  // namespace

// From the end: a path may hold anything that a JSON text may, and costs nothing this way.
std::optional<record_identity> identity_of(std::string_view key) noexcept {
    if (key.size() < generation_size + 7 || key.front() != '[' || key.back() != ']')
        return std::nullopt;
    auto rest = key.substr(0, key.size() - 1);
    const auto end = take_number(rest);
    const auto start = end ? take_number(rest) : std::nullopt;
    if (!start || *start > *end || rest.size() < generation_size + 3) return std::nullopt;
    const auto quoted = rest.substr(rest.size() - generation_size - 2);
    const auto generation = quoted.substr(1, generation_size);
    const char before = rest[rest.size() - quoted.size() - 1];
    if (quoted.front() != '"' || quoted.back() != '"' || (before != ',' && before != '['))
        return std::nullopt;
    if (!std::all_of(generation.begin(), generation.end(), is_base64url)) return std::nullopt;
    return record_identity{generation, *start, *end};
}

}  // namespace logagent::transfer
