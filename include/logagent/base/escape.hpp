#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace logagent::base {

/// Text from outside, made safe for one line of a log or a terminal.
///
/// Controls (C0, DEL, C1) and bytes that are not UTF-8 become \t, \n, \r or \xNN; line separators,
/// bidi controls and other invisible format characters become \u{N...}. All else, a backslash
/// included, stays: the result is for people and cannot be turned back.
std::string visible(std::string_view text);
void append_visible(std::string& out, std::string_view text);

/// visible(), cut to about `limit` bytes at a character, with "..." where something was cut.
std::string visible(std::string_view text, std::size_t limit);

bool is_utf8(std::string_view bytes) noexcept;

/// Appends `bytes` to `out` with every maximal invalid part replaced by one U+FFFD.
/// Returns whether anything was replaced.
bool append_repaired(std::string& out, std::string_view bytes);

/// Appends `text` as a JSON string, quotes included. Invalid UTF-8 is repaired, so the result is
/// valid JSON whatever came in; returns whether anything was repaired.
bool append_json_string(std::string& out, std::string_view text);

/// One step through text.
struct character {
    char32_t code = 0;       // U+FFFD where `valid` is false
    std::size_t length = 0;  // bytes taken, at least 1
    bool valid = false;
};

/// The first character of `bytes`, which is not empty. An invalid one takes the maximal prefix that
/// could have begun a character (Unicode 15, 3.9, "substitution of maximal subparts").
character first_character(std::string_view bytes) noexcept;

}  // namespace logagent::base
