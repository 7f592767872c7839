#include "identity.hpp"

#include <array>
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

/// True for the characters of base64url.
constexpr auto base64url = [] {
    std::array<bool, 256> out{};
    for (const char c : std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789-_"})
        out[static_cast<unsigned char>(c)] = true;
    return out;
}();

bool is_base64url(std::string_view text) noexcept {
    bool all = true;
    for (const char c : text)
        all &= base64url[static_cast<unsigned char>(c)];
    return all;
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
    if (!is_base64url(generation)) return std::nullopt;
    return record_identity{generation, *start, *end};
}

}  // namespace logagent::transfer
