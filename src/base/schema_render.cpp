#include <algorithm>

#include "logagent/base/schema.hpp"

namespace logagent::base {

namespace {

std::string_view kind_word(value_kind kind) {
    switch (kind) {
        case value_kind::text:
            return "text";
        case value_kind::integer:
            return "integer";
        case value_kind::boolean:
            return "boolean";
        case value_kind::choice:
            return "choice";
        case value_kind::list:
            return "list";
        case value_kind::object:
            return "object";
    }
    return "";
}

std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string code(std::string_view text) {
    return text.empty() ? std::string{"-"} : "`" + cell(text) + "`";
}

/// Appends words to `out` with every line after the first indented, and no line beyond `width`
/// unless one word alone is longer.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent,
                    std::size_t width) {
    std::size_t column = indent;
    bool first = true;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!first && column + 1 + word.size() > width) {
            out += '\n' + std::string(indent, ' ');
            column = indent;
            first = true;
        }
        if (!first) {
            out.push_back(' ');
            ++column;
        }
        out += word;
        column += word.size();
        first = false;
    }
}

std::string facts(const schema_row& row) {
    std::string text{kind_word(row.kind)};
    if (const auto allowed = allowed_text(row); !allowed.empty()) text += ": " + allowed;
    if (!row.default_text.empty()) text += "; default " + std::string{row.default_text};
    return "(" + text + ")";
}

}  // namespace

std::string render_markdown(std::span<const schema_row> rows) {
    std::string out;
    std::string_view section;
    for (const auto& row : rows) {
        if (out.empty() || row.section != section) {
            section = row.section;
            if (!out.empty()) out += '\n';
            if (!section.empty()) out += "### " + std::string{section} + "\n\n";
            out += "| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n";
        }
        out += "| `" + cell(row.name) + "` | " + std::string{kind_word(row.kind)} + " | " +
               code(row.default_text) + " | " + cell(allowed_text(row)) + " | " + cell(row.help) +
               " |\n";
    }
    return out;
}

std::string render_terminal(std::span<const schema_row> rows, std::size_t width) {
    std::size_t longest = 0;
    for (const auto& row : rows)
        longest = std::max(longest, row.name.size());
    const std::size_t indent = longest + 4;
    std::string out;
    std::string_view section;
    for (const auto& row : rows) {
        if (row.section != section || out.empty()) {
            section = row.section;
            if (!out.empty()) out += '\n';
            if (!section.empty()) out += std::string{section} + ":\n";
        }
        out += "  " + std::string{row.name} + std::string(indent - 2 - row.name.size(), ' ');
        append_wrapped(out, std::string{row.help} + " " + facts(row), indent, width);
        out += '\n';
    }
    return out;
}

}  // namespace logagent::base
