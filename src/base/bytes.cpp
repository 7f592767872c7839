#include "logagent/base/bytes.hpp"

#include <array>
#include <utility>

namespace logagent::base {

namespace {

constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> digits_of(std::string_view alphabet) {
    std::array<std::uint8_t, 256> digits{};
    digits.fill(no_digit);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return digits;
}

std::uint32_t byte_at(std::string_view bytes, std::size_t index) {
    return static_cast<unsigned char>(bytes[index]);
}

std::string encode(std::string_view bytes, std::string_view alphabet, bool padded) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    const auto put = [&](std::uint32_t group, int characters) {
        for (int i = 0; i < characters; ++i)
            out.push_back(alphabet[group >> (18 - 6 * i) & 0x3F]);
    };
    std::size_t at = 0;
    for (; at + 3 <= bytes.size(); at += 3)
        put(byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2), 4);
    const std::size_t rest = bytes.size() - at;
    if (rest == 1) put(byte_at(bytes, at) << 16, 2);
    if (rest == 2) put(byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8, 3);
    if (padded && rest != 0) out.append(3 - rest, '=');
    return out;
}

problem not_base64() {
    return {"syntax", "not valid base64"};
}

result<std::string> decode(std::string_view text, const std::array<std::uint8_t, 256>& digits) {
    if (text.size() % 4 == 1) return not_base64();
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t group = 0;
    int bits = 0;
    for (const char c : text) {
        const std::uint8_t digit = digits[static_cast<unsigned char>(c)];
        if (digit == no_digit) return not_base64();
        group = group << 6 | digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<char>(group >> bits & 0xFF));
        }
    }
    if ((group & ((1U << bits) - 1)) != 0) return not_base64();
    return out;
}

constexpr auto standard_digits = digits_of(standard_alphabet);
constexpr auto url_digits = digits_of(url_alphabet);

}  // namespace

std::string format_bytes(std::uint64_t size) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    std::uint64_t below = 0;  // the part below the unit, in 1/1024
    std::uint64_t value = size;
    while (value >= 1024) {
        below = value % 1024;
        value /= 1024;
        ++unit;
    }
    std::uint64_t tenths = value * 10 + (below * 10 + 512) / 1024;
    if (tenths >= 10240) {
        tenths = 10;
        ++unit;
    }
    std::string out;
    append_number(out, tenths / 10);
    if (unit != 0 && tenths % 10 != 0) {
        out.push_back('.');
        append_number(out, tenths % 10);
    }
    return out + ' ' + units[unit];
}

result<std::uint64_t> parse_unsigned(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) return problem{"range", "the number is too large"};
    if (error != std::errc{} || end != text.data() + text.size())
        return problem{"syntax", "not a whole number"};
    return value;
}

std::string base64_encode(std::string_view bytes) {
    return encode(bytes, standard_alphabet, true);
}

result<std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) return not_base64();
    if (text.ends_with("==")) {
        text.remove_suffix(2);
    } else if (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    return decode(text, standard_digits);
}

std::string base64url_encode(std::string_view bytes) {
    return encode(bytes, url_alphabet, false);
}

result<std::string> base64url_decode(std::string_view text) {
    return decode(text, url_digits);
}

std::string hex_encode(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
        out.push_back(digits[static_cast<unsigned char>(c) & 0x0F]);
    }
    return out;
}

}  // namespace logagent::base
