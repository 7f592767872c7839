#include "cli/text_table.hpp"

#include <algorithm>

namespace logagent::cli {

namespace {

bool begins_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

/// The byte at which character `index` begins.
std::size_t byte_of(std::string_view text, std::size_t index) {
    std::size_t at = 0;
    for (; at < text.size(); ++at)
        if (begins_character(text[at]) && index-- == 0) break;
    return at;
}

}  // namespace

std::size_t text_width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string shorten_middle(std::string_view text, std::size_t width) {
    const auto size = text_width(text);
    if (size <= width) return std::string{text};
    if (width <= 3) return std::string(width, '.');
    // The end tells more than the beginning: file names stand there.
    const auto front = (width - 3) / 3;
    const auto back = width - 3 - front;
    return std::string{text.substr(0, byte_of(text, front))} + "..." +
           std::string{text.substr(byte_of(text, size - back))};
}

std::string shorten_end(std::string_view text, std::size_t width) {
    if (text_width(text) <= width) return std::string{text};
    if (width <= 3) return std::string(width, '.');
    return std::string{text.substr(0, byte_of(text, width - 3))} + "...";
}

std::size_t text_table::width(std::size_t index) const {
    auto widest = text_width(columns_[index].title);
    for (const auto& row : rows_)
        widest = std::max(widest, text_width(row[index]));
    return widest;
}

std::string text_table::render() const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i)
        widths.push_back(width(i));
    std::string out;
    const auto line = [&](const auto& cell_of) {
        std::string text;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string_view cell = cell_of(i);
            const std::string blanks(widths[i] - text_width(cell), ' ');
            if (i > 0) text += "  ";
            text += columns_[i].right ? blanks + std::string{cell} : std::string{cell} + blanks;
        }
        text.resize(text.find_last_not_of(' ') + 1);
        out += text + '\n';
    };
    line([&](std::size_t i) { return columns_[i].title; });
    for (const auto& row : rows_)
        line([&](std::size_t i) { return std::string_view{row[i]}; });
    return out;
}

}  // namespace logagent::cli
