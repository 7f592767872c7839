#include "transfer/json_scan.hpp"

#include "logagent/delivery/utf16.hpp"

namespace logagent::transfer {

namespace {

constexpr char32_t replacement = 0xFFFD;

std::optional<char32_t> hex_unit(std::string_view text) {
    if (text.size() < 4) return std::nullopt;
    char32_t unit = 0;
    for (const char c : text.substr(0, 4)) {
        unit <<= 4;
        if (c >= '0' && c <= '9')
            unit |= static_cast<char32_t>(c - '0');
        else if (c >= 'a' && c <= 'f')
            unit |= static_cast<char32_t>(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            unit |= static_cast<char32_t>(c - 'A' + 10);
        else
            return std::nullopt;
    }
    return unit;
}

/// The character behind `\u`, which `rest` begins after; takes a second escape with it if the two
/// are a pair.
std::optional<char32_t> unicode_escape(std::string_view& rest) {
    const auto first = hex_unit(rest);
    if (!first) return std::nullopt;
    rest.remove_prefix(4);
    if (*first < 0xD800 || *first >= 0xE000) return first;
    if (*first >= 0xDC00 || !rest.starts_with("\\u")) return replacement;
    const auto second = hex_unit(rest.substr(2));
    if (!second || *second < 0xDC00 || *second >= 0xE000) return replacement;
    rest.remove_prefix(6);
    return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

std::optional<char32_t> escape(std::string_view& rest) {
    if (rest.empty()) return std::nullopt;
    const char c = rest.front();
    rest.remove_prefix(1);
    switch (c) {
        case '"':
        case '\\':
        case '/':
            return static_cast<char32_t>(c);
        case 'b':
            return U'\b';
        case 'f':
            return U'\f';
        case 'n':
            return U'\n';
        case 'r':
            return U'\r';
        case 't':
            return U'\t';
        case 'u':
            return unicode_escape(rest);
        default:
            return std::nullopt;
    }
}

}  // namespace

bool json_scan::eat(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
}

bool json_scan::eat(std::string_view word) noexcept {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
}

std::optional<std::string_view> json_scan::text() noexcept {
    if (!eat('"')) return std::nullopt;
    for (std::size_t from = 0;;) {
        const auto quote = rest_.find('"', from);
        if (quote == std::string_view::npos) return std::nullopt;
        std::size_t slashes = 0;
        while (slashes < quote && rest_[quote - 1 - slashes] == '\\')
            ++slashes;
        from = quote + 1;
        if (slashes % 2 == 1) continue;
        const auto inside = rest_.substr(0, quote);
        rest_.remove_prefix(quote + 1);
        return inside;
    }
}

std::optional<std::uint64_t> json_scan::number() noexcept {
    std::uint64_t value = 0;
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < 20 && rest_[digits] >= '0' && rest_[digits] <= '9')
        value = value * 10 + static_cast<std::uint64_t>(rest_[digits++] - '0');
    if (digits == 0 || digits == 20 || (digits > 1 && rest_[0] == '0')) return std::nullopt;
    rest_.remove_prefix(digits);
    return value;
}

std::optional<std::string_view> unescaped(std::string_view raw, std::string& scratch) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    scratch.clear();
    while (!raw.empty()) {
        const auto plain = raw.find('\\');
        scratch.append(raw.substr(0, plain));
        if (plain == std::string_view::npos) break;
        raw.remove_prefix(plain + 1);
        const auto code = escape(raw);
        if (!code) return std::nullopt;
        delivery::utf16::append_character(scratch, *code);
    }
    return scratch;
}

}  // namespace logagent::transfer
