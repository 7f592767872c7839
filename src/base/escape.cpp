#include "logagent/base/escape.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

namespace logagent::base {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view hex_digits = "0123456789abcdef";

unsigned char octet(std::string_view bytes, std::size_t index) {
    return static_cast<unsigned char>(bytes[index]);
}

/// What a lead byte promises: how many bytes follow, and the range of the first of them, which
/// keeps out overlong forms, surrogates and what lies beyond U+10FFFF (Unicode table 3-7).
struct promise {
    std::size_t following = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
};

promise promise_of(unsigned char lead) {
    if (lead >= 0xC2 && lead <= 0xDF) return {1};
    if (lead == 0xE0) return {2, 0xA0, 0xBF};
    if (lead == 0xED) return {2, 0x80, 0x9F};
    if (lead >= 0xE1 && lead <= 0xEF) return {2};
    if (lead == 0xF0) return {3, 0x90, 0xBF};
    if (lead >= 0xF1 && lead <= 0xF3) return {3};
    if (lead == 0xF4) return {3, 0x80, 0x8F};
    return {};
}

/// Length of the run of ASCII at the start.
std::size_t ascii_run(std::string_view bytes) {
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        if (word & 0x8080808080808080U) break;
    }
    while (at < bytes.size() && octet(bytes, at) < 0x80)
        ++at;
    return at;
}

/// The high bits of the bytes of `word` that do not stand in a JSON string as they are, ASCII only;
/// the lowest one that is set is exact (a known trick of words: what a byte borrows, it borrows
/// from those above it).
std::uint64_t special_bytes(std::uint64_t word) {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t highs = 0x8080808080808080U;
    const std::uint64_t control = word - ones * 0x20;
    const std::uint64_t quote = (word ^ ones * '"') - ones;
    const std::uint64_t backslash = (word ^ ones * '\\') - ones;
    return (((control | quote | backslash) & ~word) | word) & highs;
}

/// Length of the run of ASCII at the start that stands in a JSON string as it is.
std::size_t unescaped_run(std::string_view text) {
    static_assert(std::endian::native == std::endian::little);
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + at, sizeof word);
        if (const auto found = special_bytes(word))
            return at + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    }
    for (; at < text.size(); ++at) {
        const unsigned char c = octet(text, at);
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80) break;
    }
    return at;
}

/// Length of the valid UTF-8 at the start.
std::size_t valid_run(std::string_view bytes) {
    std::size_t at = 0;
    for (;;) {
        at += ascii_run(bytes.substr(at));
        if (at == bytes.size()) return at;
        const auto next = first_character(bytes.substr(at));
        if (!next.valid) return at;
        at += next.length;
    }
}

/// Characters that change how the text around them is shown, or break lines in some viewers.
bool is_deceptive(char32_t code) {
    return code == 0x061C || code == 0x180E || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
           code == 0xFEFF || (code >= 0xFFF9 && code <= 0xFFFB) ||
           (code >= 0xE0000 && code <= 0xE007F);
}

void append_octet(std::string& out, unsigned char value) {
    out += "\\x";
    out.push_back(hex_digits[value >> 4]);
    out.push_back(hex_digits[value & 0x0F]);
}

void append_code(std::string& out, char32_t code) {
    out += "\\u{";
    int shift = 20;
    while (shift > 0 && code >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        out.push_back(hex_digits[code >> shift & 0x0F]);
    out.push_back('}');
}

/// Appends one character, made visible.
void append_visible(std::string& out, const character& next, std::string_view bytes) {
    if (!next.valid) {
        for (std::size_t i = 0; i < next.length; ++i)
            append_octet(out, octet(bytes, i));
    } else if (next.code == '\t') {
        out += "\\t";
    } else if (next.code == '\n') {
        out += "\\n";
    } else if (next.code == '\r') {
        out += "\\r";
    } else if (next.code < 0x20 || (next.code >= 0x7F && next.code < 0xA0)) {
        append_octet(out, static_cast<unsigned char>(next.code));
    } else if (is_deceptive(next.code)) {
        append_code(out, next.code);
    } else {
        out.append(bytes.substr(0, next.length));
    }
}

/// Length of the run at the start that visible() leaves alone without a closer look.
std::size_t plain_run(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && text[at] >= 0x20 && text[at] < 0x7F)
        ++at;
    return at;
}

}  // namespace

character first_character(std::string_view bytes) noexcept {
    const unsigned char lead = octet(bytes, 0);
    if (lead < 0x80) return {lead, 1, true};
    const promise expected = promise_of(lead);
    if (expected.following == 0) return {0xFFFD, 1, false};
    char32_t code = lead & (0x3FU >> expected.following);
    for (std::size_t i = 1; i <= expected.following; ++i) {
        if (i == bytes.size()) return {0xFFFD, i, false};
        const unsigned char next = octet(bytes, i);
        const unsigned char low = i == 1 ? expected.low : 0x80;
        const unsigned char high = i == 1 ? expected.high : 0xBF;
        if (next < low || next > high) return {0xFFFD, i, false};
        code = code << 6 | (next & 0x3FU);
    }
    return {code, expected.following + 1, true};
}

bool is_utf8(std::string_view bytes) noexcept {
    return valid_run(bytes) == bytes.size();
}

bool append_repaired(std::string& out, std::string_view bytes) {
    bool repaired = false;
    for (;;) {
        const auto valid = valid_run(bytes);
        out.append(bytes.substr(0, valid));
        bytes.remove_prefix(valid);
        if (bytes.empty()) return repaired;
        out.append(replacement);
        repaired = true;
        bytes.remove_prefix(first_character(bytes).length);
    }
}

void append_visible(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const auto plain = plain_run(text);
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) return;
        const auto next = first_character(text);
        append_visible(out, next, text);
        text.remove_prefix(next.length);
    }
}

std::string visible(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_visible(out, text);
    return out;
}

std::string visible(std::string_view text, std::size_t limit) {
    std::string out;
    while (!text.empty()) {
        if (out.size() >= limit) return out + "...";
        const auto next = first_character(text);
        append_visible(out, next, text);
        text.remove_prefix(next.length);
    }
    return out;
}

namespace {

void append_escaped(std::string& out, unsigned char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            out += "\\u00";
            out.push_back(hex_digits[c >> 4]);
            out.push_back(hex_digits[c & 0x0F]);
    }
}

/// Length of the run of characters beyond ASCII at the start.
std::size_t run_beyond_ascii(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && octet(text, at) >= 0x80) {
        const auto next = first_character(text.substr(at));
        if (!next.valid) break;
        at += next.length;
    }
    return at;
}

}  // namespace

bool append_json_string(std::string& out, std::string_view text) {
    bool repaired = false;
    out.push_back('"');
    for (;;) {
        auto run = unescaped_run(text);
        out.append(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty()) break;
        const unsigned char c = octet(text, 0);
        if (c < 0x80) {
            append_escaped(out, c);
            text.remove_prefix(1);
            continue;
        }
        run = run_beyond_ascii(text);
        out.append(text.substr(0, run));
        text.remove_prefix(run);
        if (run > 0) continue;
        out.append(replacement);
        repaired = true;
        text.remove_prefix(first_character(text).length);
    }
    out.push_back('"');
    return repaired;
}

}  // namespace logagent::base
