#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::cli {

/// Columns under each other, two blanks apart, no blanks at the ends of lines. Cells are text that
/// is safe to print; a character counts as one column.
class text_table {
public:
    struct column {
        std::string_view title;
        bool right = false;  // numbers
    };

    explicit text_table(std::vector<column> columns) : columns_{std::move(columns)} {}

    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const { return rows_.empty(); }

    /// Widest cell of a column, its title included.
    std::size_t width(std::size_t index) const;
    std::vector<std::vector<std::string>>& rows() { return rows_; }

    std::string render() const;

private:
    std::vector<column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// Characters, not bytes.
std::size_t text_width(std::string_view text);

/// At most `width` characters, "..." in place of the middle.
std::string shorten_middle(std::string_view text, std::size_t width);
/// At most `width` characters, "..." in place of the end.
std::string shorten_end(std::string_view text, std::size_t width);

}  // namespace logagent::cli
