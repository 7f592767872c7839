#include "logagent/delivery/utf16.hpp"

#include <cstring>

namespace logagent::delivery::utf16 {

namespace {

constexpr char32_t replacement = 0xfffd;

bool is_high(char32_t unit) noexcept {
    return unit >= 0xd800 && unit < 0xdc00;
}

bool is_low(char32_t unit) noexcept {
    return unit >= 0xdc00 && unit < 0xe000;
}

}  // namespace

std::size_t find_line_end(std::string_view text, std::size_t from, encoding as) noexcept {
    const std::size_t place = as == encoding::utf16le ? 0 : 1;  // of the low byte in its unit
    for (std::size_t at = from; at < text.size();) {
        const void* const found = std::memchr(text.data() + at, '\n', text.size() - at);
        if (!found) break;
        const auto low = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
        if ((low - from) % 2 == place) {
            const std::size_t begin = low - place;
            if (begin + 1 < text.size() && text[begin + 1 - place] == '\0') return begin;
        }
        at = low + 1;
    }
    return std::string_view::npos;
}

void append_character(std::string& out, char32_t code) {
    const auto octet_of = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
    const auto following = [&](int shift) { octet_of(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
        octet_of(code);
    } else if (code < 0x800) {
        octet_of(0xC0 | code >> 6);
        following(0);
    } else if (code < 0x10000) {
        octet_of(0xE0 | code >> 12);
        following(6);
        following(0);
    } else {
        octet_of(0xF0 | code >> 18);
        following(12);
        following(6);
        following(0);
    }
}

bool append_utf8(std::string& out, std::string_view text, encoding as) {
    std::size_t at = 0;
    bool whole = true;
    for (; at + 1 < text.size(); at += 2) {
        char32_t code = unit(text, at, as);
        if (is_high(code)) {
            const char32_t low = at + 3 < text.size() ? unit(text, at + 2, as) : 0;
            if (is_low(low)) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                at += 2;
            } else {
                code = replacement;
                whole = false;
            }
        } else if (is_low(code)) {
            code = replacement;
            whole = false;
        }
        append_character(out, code);
    }
    if (at == text.size()) return whole;
    append_character(out, replacement);
    return false;
}

std::size_t whole_characters(std::string_view text, encoding as) noexcept {
    std::size_t size = text.size() / 2 * 2;
    if (size >= 2 && is_high(unit(text, size - 2, as))) size -= 2;
    return size;
}

}  // namespace logagent::delivery::utf16
