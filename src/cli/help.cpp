#include <algorithm>
#include <string>

#include "cli/commands.hpp"

namespace logagent::cli {

namespace {

constexpr std::size_t width = 100;

/// Adds `text` with its words wrapped; lines after the first begin with `indent` blanks. `column`
/// is where the first word goes.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent,
                    std::size_t column) {
    bool first = true;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!first && column + 1 + word.size() > width) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (!first) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        first = false;
    }
    out += '\n';
}

void append_row(std::string& out, const std::string& left, std::string_view right,
                std::size_t column) {
    out += "  " + left;
    if (left.size() + 4 > column)
        out += "\n" + std::string(column, ' ');
    else
        out += std::string(column - 2 - left.size(), ' ');
    append_wrapped(out, right, column, column);
}

/// "-c, --config FILE"; long names stand under each other.
std::string left_of(const flag& one) {
    const auto comma = one.names.find(',');
    std::string out =
        comma == one.names.npos ? "    " : std::string{one.names.substr(0, comma)} + ", ";
    out += one.name();
    if (!one.value.empty()) out += " " + std::string{one.value};
    return out;
}

void append_paragraphs(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find("\n\n"), text.size());
        out += '\n';
        append_wrapped(out, text.substr(0, end), 0, 0);
        text.remove_prefix(std::min(end + 2, text.size()));
    }
}

}  // namespace

std::string general_help() {
    std::string out =
        "logagent moves log lines from files into Kafka and loses none.\n"
        "\n"
        "usage: logagent COMMAND [FLAGS]\n"
        "\n"
        "Commands:\n";
    std::size_t column = 0;
    for (const auto* one : commands())
        column = std::max(column, one->name.size() + 5);
    for (const auto* one : commands())
        if (!one->hidden) append_row(out, std::string{one->name}, one->summary, column);
    out +=
        "\n"
        "logagent COMMAND --help tells more about each.\n"
        "\n"
        "Exit codes:\n"
        "  0  done; everything read was acknowledged by Kafka\n"
        "  1  failed while running\n"
        "  2  wrong usage or configuration\n"
        "  3  stopped at the deadline; what is unacknowledged is sent at the next start\n";
    return out;
}

std::string command_help(const command& which) {
    std::string out = "usage: logagent " + std::string{which.name};
    if (!which.usage.empty()) {
        out += ' ';
        append_wrapped(out, which.usage, 17 + which.name.size(), 17 + which.name.size());
    } else {
        out += '\n';
    }
    append_paragraphs(out, which.about);
    std::size_t column = 0;
    for (const auto& one : which.flags)
        column = std::max(column, left_of(one).size() + 4);
    column = std::clamp<std::size_t>(column, 16, 32);
    out += "\nFlags:\n";
    for (const auto& one : which.flags)
        append_row(out, left_of(one), one.help, column);
    append_row(out, "-h, --help", "Print this and end.", column);
    if (!which.examples.empty()) out += "\nExamples:\n" + std::string{which.examples};
    return out;
}

}  // namespace logagent::cli
