#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "logagent/delivery/framing.hpp"

namespace logagent::delivery::utf16 {

/// The unit at an even place of `text`.
inline char16_t unit(std::string_view text, std::size_t at, encoding as) noexcept {
    const auto first = static_cast<unsigned char>(text[at]);
    const auto second = static_cast<unsigned char>(text[at + 1]);
    return static_cast<char16_t>(as == encoding::utf16le ? first | second << 8
                                                         : first << 8 | second);
}

/// Where the unit U+000A stands, looked for from the even place `from` on; npos if nowhere.
std::size_t find_line_end(std::string_view text, std::size_t from, encoding as) noexcept;

/// Appends a character in UTF-8. `code` is at most U+10FFFF and no surrogate.
void append_character(std::string& out, char32_t code);

/// Appends the text in UTF-8; U+FFFD for a lone surrogate and for half a unit at the end. False =
/// there was one.
bool append_utf8(std::string& out, std::string_view text, encoding as);

/// The longest front of `text` that ends neither within a unit nor between surrogates.
std::size_t whole_characters(std::string_view text, encoding as) noexcept;

}  // namespace logagent::delivery::utf16
