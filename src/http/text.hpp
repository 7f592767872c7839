#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace logagent::http {

/// ASCII comparison without case, as field names and host names want it.
inline bool same_letters(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// %XX replaced by its byte; a broken escape stays as it is. In queries "+" means a space.
inline std::string percent_decoded(std::string_view text, bool plus_is_space) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                            hex_digit(text[i + 2]) >= 0;
        if (escape) {
            result += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            result += text[i] == '+' && plus_is_space ? ' ' : text[i];
        }
    }
    return result;
}

/// A piece of a body as "Transfer-Encoding: chunked" frames it.
inline std::string chunk(std::string_view slice) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, slice.size(), 16).ptr;
    std::string framed{digits, end};
    framed.reserve(framed.size() + slice.size() + 4);
    framed.append("\r\n").append(slice).append("\r\n");
    return framed;
}

}  // namespace logagent::http
