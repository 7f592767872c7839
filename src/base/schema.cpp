#include "logagent/base/schema.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "logagent/base/escape.hpp"

namespace logagent::base {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(at), text.size());
        if (const auto part = trimmed(text.substr(0, end)); !part.empty()) parts.emplace_back(part);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

/// Made in place: moving the variant makes g++ 12 warn of uninitialised parts under the sanitizers.
template <class Value>
result<schema_value> value_of(Value value) {
    return result<schema_value>{boost::system::in_place_value, std::move(value)};
}

result<schema_value> parse_integer(const schema_row& row, std::string_view text) {
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    const bool too_long = error == std::errc::result_out_of_range;
    if (!too_long && (error != std::errc{} || stop != end))
        return problem{"type", "not a whole number; allowed: " + allowed_text(row)};
    if (too_long || number < row.least || number > row.most)
        return problem{"range", "out of range; allowed: " + allowed_text(row)};
    return value_of(number);
}

result<schema_value> parse_boolean(const schema_row& row, std::string_view text) {
    for (const std::string_view yes : {"true", "yes", "on", "1"})
        if (text == yes) return value_of(true);
    for (const std::string_view no : {"false", "no", "off", "0"})
        if (text == no) return value_of(false);
    return problem{"type", "allowed: " + allowed_text(row)};
}

/// Levenshtein distance; names are short.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
        }
    }
    return row.back();
}

}  // namespace

result<schema_value> parse_value(const schema_row& row, std::string_view text) {
    switch (row.kind) {
        case value_kind::integer:
            return parse_integer(row, text);
        case value_kind::boolean:
            return parse_boolean(row, text);
        case value_kind::list:
            return value_of(split_list(text));
        case value_kind::choice: {
            const auto choices = split(row.allowed, '|');
            if (std::find(choices.begin(), choices.end(), text) == choices.end())
                return problem{"choice", "allowed: " + allowed_text(row)};
            return value_of(std::string{text});
        }
        case value_kind::text:
        case value_kind::object:
            break;
    }
    return value_of(std::string{text});
}

std::string allowed_text(const schema_row& row) {
    switch (row.kind) {
        case value_kind::integer: {
            auto text = std::to_string(row.least) + " to " + std::to_string(row.most);
            if (!row.unit.empty()) text += " " + std::string{row.unit};
            return text;
        }
        case value_kind::boolean:
            return "true, false";
        case value_kind::choice: {
            std::string text;
            for (const auto& choice : split(row.allowed, '|'))
                text += (text.empty() ? "" : ", ") + choice;
            return text;
        }
        case value_kind::text:
        case value_kind::list:
        case value_kind::object:
            break;
    }
    return std::string{row.allowed};
}

const schema_row* find_row(std::span<const schema_row> rows, std::string_view name) noexcept {
    for (const auto& row : rows)
        if (row.name == name) return &row;
    return nullptr;
}

std::string_view nearest_name(std::span<const schema_row> rows, std::string_view name) {
    if (name.size() > 64) return {};
    std::string_view nearest;
    std::size_t least = std::max<std::size_t>(2, name.size() / 4) + 1;
    for (const auto& row : rows) {
        const auto here = distance(name, row.name);
        if (here >= least) continue;
        least = here;
        nearest = row.name;
    }
    return nearest;
}

std::vector<std::string> split_list(std::string_view text) {
    return split(text, ',');
}

}  // namespace logagent::base
