#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "logagent/base/error.hpp"

namespace logagent::base {

/// A size for people: "0 B", "999 B", "1.5 KiB", "16 MiB"; at most one decimal, powers of 1024.
std::string format_bytes(std::uint64_t size);

/// Decimal digits only, the whole text. Codes: "syntax", "range".
result<std::uint64_t> parse_unsigned(std::string_view text);

/// Standard alphabet with padding (RFC 4648 section 4), as etcd's gateway wants it.
std::string base64_encode(std::string_view bytes);
/// Strict: padding required, no blanks, unused bits zero. Code: "syntax".
result<std::string> base64_decode(std::string_view text);

/// URL alphabet without padding (RFC 4648 section 5).
std::string base64url_encode(std::string_view bytes);
/// Strict: no padding, no blanks, unused bits zero. Code: "syntax".
result<std::string> base64url_decode(std::string_view text);

/// Lower case.
std::string hex_encode(std::string_view bytes);

/// Room that write_number() needs at most.
inline constexpr std::size_t number_room = 20;

/// Writes decimal digits to `first`, which has number_room bytes, and returns their end. Record
/// keys are built with it, once for each line.
template <std::integral T>
char* write_number(char* first, T value) noexcept {
    return std::to_chars(first, first + number_room, value).ptr;
}

template <std::integral T>
void append_number(std::string& out, T value) {
    char digits[number_room];
    out.append(digits, write_number(digits, value));
}

}  // namespace logagent::base
