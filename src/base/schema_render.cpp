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

}  // namespace logagent::base
