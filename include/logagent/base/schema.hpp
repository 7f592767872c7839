#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "logagent/base/error.hpp"

namespace logagent::base {

/// What a key may hold.
enum class value_kind : std::uint8_t {
    text,
    integer,  // within [least, most]
    boolean,  // true, false, yes, no, on, off, 1, 0
    choice,   // one of `allowed`, separated by '|'
    list,     // separated by commas; in JSON an array of texts
    object,   // JSON only
};

/// One key of a configuration: the parser, `check` and the reference document all read this row and
/// nothing else.
struct schema_row {
    std::string_view name = {};
    value_kind kind = value_kind::text;
    std::string_view default_text = {};  // "" = none
    std::string_view allowed = {};  // choices of a choice; for others words, "" = no limit told
    std::int64_t least = 0;
    std::int64_t most = 0;
    std::string_view unit = {};     // "bytes", "s", "ms"; "" = none
    std::string_view section = {};  // heading in the documents
    std::string_view help = {};     // sentences
};

using schema_value = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;

/// Reads a value as its row says. Codes: "type", "range", "choice"; the text says what is allowed.
result<schema_value> parse_value(const schema_row& row, std::string_view text);

/// What is allowed, in words: "0 to 86400 s", "one of trace, debug, info", "a list of ...".
std::string allowed_text(const schema_row& row);

/// The row with that name, or nullptr.
const schema_row* find_row(std::span<const schema_row> rows, std::string_view name) noexcept;

/// The row that a mistyped name probably meant, or "".
std::string_view nearest_name(std::span<const schema_row> rows, std::string_view name);

/// Tables with a heading for each section, for the reference document.
std::string render_markdown(std::span<const schema_row> rows);

/// Splits at commas, trims blanks, drops empty parts.
std::vector<std::string> split_list(std::string_view text);

}  // namespace logagent::base
