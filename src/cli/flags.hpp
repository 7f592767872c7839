#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::cli {

/// One flag of a command: the parser, the help and the messages read this row and nothing else.
struct flag {
    std::string_view names;         // "-c,--config" or "--json"
    std::string_view value = {};    // "FILE"; empty = a switch
    std::string_view help = {};     // sentences
    std::string_view allowed = {};  // for messages: "a whole number, 0 = unlimited"

    /// The long name, which is what arguments are called by.
    std::string_view name() const { return names.substr(names.rfind(',') + 1); }
};

/// A flag as the user gave it.
struct argument {
    std::string name;   // the long name, "--file"
    std::string value;  // empty for a switch
};

/// Everything given to one command, in the order of the command line.
class arguments {
public:
    explicit arguments(std::vector<argument> given = {}) : given_{std::move(given)} {}

    bool has(std::string_view name) const { return last(name) != nullptr; }
    /// The value of the last one with that name, or nullptr.
    const std::string* last(std::string_view name) const;
    std::string value_or(std::string_view name, std::string_view otherwise) const;
    std::vector<std::string> all(std::string_view name) const;

    auto begin() const { return given_.begin(); }
    auto end() const { return given_.end(); }

private:
    std::vector<argument> given_;
};

/// The user asked for something that cannot be done as it was asked: exit code 2.
class usage_error : public std::runtime_error {
public:
    explicit usage_error(const std::string& line) : usage_error{std::vector{line}} {}
    explicit usage_error(std::vector<std::string> lines)
        : std::runtime_error{lines.empty() ? std::string{} : lines.front()},
          lines_{std::move(lines)} {}

    const std::vector<std::string>& lines() const noexcept { return lines_; }

private:
    std::vector<std::string> lines_;
};

struct parsed_flags {
    bool help = false;
    cli::arguments arguments;
};

/// Reads what stands behind a command's name; throws usage_error. `takes_words`: what is no flag is
/// an argument whose name is empty, else a mistake.
parsed_flags parse_flags(std::span<const flag> known, std::span<const std::string> words,
                         bool takes_words = false);

/// "; did you mean --file?", or nothing when no name is near.
std::string spelling_hint(std::span<const std::string_view> names, std::string_view given);

/// Reads a flag's value as a whole number within [least, most]; throws usage_error.
std::uint64_t read_number(const flag& which, const std::string& value, std::uint64_t least,
                          std::uint64_t most);

/// The row of that name; there must be one.
const flag& find_flag(std::span<const flag> known, std::string_view name);

/// "--start: 'middle' cannot be used; allowed: start, end".
usage_error bad_value(const flag& which, const std::string& value, std::string_view why = {});

}  // namespace logagent::cli
