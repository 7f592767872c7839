#include "transfer/gb18030.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "logagent/delivery/utf16.hpp"

namespace logagent::transfer {

namespace {

/// A run of four-byte forms whose code points follow each other.
struct four_byte_range {
    std::uint16_t number;
    std::uint16_t code;
};

#include "gb18030_table.inc"

constexpr std::uint32_t first_plane_forms = 39420;  // 81308130 to 8431A439
constexpr std::uint32_t first_beyond = 189000;      // 90308130 is U+10000

struct decoded {
    char32_t code = 0;  // 0 = means nothing
    std::size_t length = 1;
};

unsigned octet(std::string_view text, std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool is_digit(unsigned c) {
    return c >= 0x30 && c <= 0x39;
}

bool is_lead(unsigned c) {
    return c >= 0x81 && c <= 0xFE;
}

char32_t of_number(std::uint32_t number) {
    if (number < first_plane_forms) {
        const auto behind = std::upper_bound(
            std::begin(four_byte_ranges), std::end(four_byte_ranges), number,
            [](std::uint32_t wanted, const four_byte_range& one) { return wanted < one.number; });
        const four_byte_range& range = *std::prev(behind);
        return range.code == 0 ? 0 : range.code + (number - range.number);
    }
    if (number < first_beyond || number - first_beyond > 0xFFFFF) return 0;
    return 0x10000 + (number - first_beyond);
}

decoded decode(std::string_view text) {
    const unsigned first = octet(text, 0);
    const unsigned second = octet(text, 1);
    if (!is_lead(first)) return {};
    if (is_digit(second)) {
        const unsigned third = octet(text, 2);
        const unsigned fourth = octet(text, 3);
        if (!is_lead(third) || !is_digit(fourth)) return {};
        const std::uint32_t number =
            (((first - 0x81) * 10 + (second - 0x30)) * 126 + (third - 0x81)) * 10 + (fourth - 0x30);
        const char32_t code = of_number(number);
        return {code, code == 0 ? 1U : 4U};
    }
    if (second < 0x40 || second == 0x7F || second > 0xFE) return {};
    const unsigned trail = second - 0x40 - (second > 0x7F ? 1 : 0);
    const char32_t code = two_bytes[(first - 0x81) * 190 + trail];
    // A byte of ASCII behind a lead that means nothing with it stays what it is.
    return {code, code == 0 && second < 0x80 ? 1U : 2U};
}

}  // namespace

bool append_gb18030(std::string& out, std::string_view text) {
    bool whole = true;
    while (!text.empty()) {
        const auto plain = static_cast<std::size_t>(
            std::find_if(text.begin(), text.end(),
                         [](char c) { return static_cast<unsigned char>(c) >= 0x80; }) -
            text.begin());
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        const decoded next = decode(text);
        delivery::utf16::append_character(out, next.code == 0 ? 0xFFFD : next.code);
        whole &= next.code != 0;
        text.remove_prefix(next.length);
    }
    return whole;
}

}  // namespace logagent::transfer
