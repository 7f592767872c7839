#include "cli/flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/schema.hpp"

namespace logagent::cli {

namespace {

std::string quoted(const std::string& value) {
    return value.empty() ? "an empty value" : "'" + base::visible(value, 80) + "'";
}

/// CLI11 takes `--flag=` for "the value follows", so an empty value becomes a word of its own. Its
/// parser wants the words in reverse.
std::vector<std::string> prepared(std::span<const std::string> words) {
    std::vector<std::string> out;
    for (const auto& word : words) {
        if (word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1) {
            out.push_back(word.substr(0, word.size() - 1));
            out.emplace_back();
        } else {
            out.push_back(word);
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

usage_error unexpected(std::span<const flag> known, const std::string& word) {
    const auto name = word.substr(0, word.find('='));
    if (name.size() < 2 || !name.starts_with('-'))
        return usage_error{quoted(word) + ": unexpected argument"};
    std::vector<std::string_view> names{"--help"};
    for (const auto& one : known)
        names.push_back(one.name());
    return usage_error{base::visible(name, 60) + ": there is no such flag" +
                       (name.starts_with("--") ? spelling_hint(names, name) : "")};
}

usage_error without_value(const flag& which) {
    return usage_error{std::string{which.name()} + ": needs a value, " + std::string{which.value} +
                       (which.allowed.empty() ? "" : "; allowed: " + std::string{which.allowed})};
}

/// CLI11 says "--rate: ..." of a missing value, and "once was given ..." of one too many.
usage_error mismatch(std::span<const flag> known, std::string text) {
    if (!text.starts_with("--")) text = "--" + text;
    const auto name = text.substr(0, text.find_first_of(": "));
    const auto& which = find_flag(known, name);
    if (!which.value.empty()) return without_value(which);
    return usage_error{name + ": takes no value"};
}

/// What CLI11 found, brought into the order of the command line.
std::vector<argument> collect(const CLI::App& app, std::span<const flag> known) {
    std::vector<argument> out;
    std::map<const CLI::Option*, std::size_t> used;
    for (const auto* option : app.parse_order()) {
        const auto& which = find_flag(known, "--" + option->get_lnames().at(0));
        argument one{std::string{which.name()}, {}};
        if (!which.value.empty()) one.value = option->results().at(used[option]++);
        const auto is_value = [&](const flag& other) { return other.name() == one.value; };
        if (std::any_of(known.begin(), known.end(), is_value)) throw without_value(which);
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

const std::string* arguments::last(std::string_view name) const {
    const auto found = std::find_if(given_.rbegin(), given_.rend(),
                                    [&](const argument& one) { return one.name == name; });
    return found == given_.rend() ? nullptr : &found->value;
}

std::string arguments::value_or(std::string_view name, std::string_view otherwise) const {
    const auto* given = last(name);
    return given ? *given : std::string{otherwise};
}

std::vector<std::string> arguments::all(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& one : given_)
        if (one.name == name) out.push_back(one.value);
    return out;
}

parsed_flags parse_flags(std::span<const flag> known, std::span<const std::string> words,
                         bool takes_words) {
    CLI::App app;
    app.set_help_flag("-h,--help");
    app.allow_extras();
    for (const auto& one : known) {
        const std::string names{one.names};
        if (one.value.empty())
            app.add_flag(names)->disable_flag_override();
        else
            app.add_option(names, [](const CLI::results_t&) { return true; })
                ->expected(1)
                ->allow_extra_args(false)
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    try {
        app.parse(prepared(words));
    } catch (const CLI::CallForHelp&) {
        return {true, arguments{}};
    } catch (const CLI::ArgumentMismatch& error) {
        throw mismatch(known, error.what());
    } catch (const CLI::ParseError& error) {
        throw usage_error{base::visible(error.what(), 200)};
    }
    auto given = collect(app, known);
    for (auto& word : app.remaining()) {
        if (!takes_words || (word.size() > 1 && word.starts_with('-')))
            throw unexpected(known, word);
        given.push_back({"", std::move(word)});
    }
    return {false, arguments{std::move(given)}};
}

std::string spelling_hint(std::span<const std::string_view> names, std::string_view given) {
    std::vector<base::schema_row> rows;
    for (const auto name : names)
        rows.push_back({.name = name});
    const auto nearest = base::nearest_name(rows, given);
    return nearest.empty() ? "" : "; did you mean " + std::string{nearest} + "?";
}

std::uint64_t read_number(const flag& which, const std::string& value, std::uint64_t least,
                          std::uint64_t most) {
    const auto number = base::parse_unsigned(value);
    if (!number) throw bad_value(which, value, "is not a whole number");
    if (*number < least || *number > most) throw bad_value(which, value, "is out of range");
    return *number;
}

const flag& find_flag(std::span<const flag> known, std::string_view name) {
    const auto has_name = [&](const flag& one) {
        const auto at = one.names.find(name);
        const auto end = at + name.size();
        return at != one.names.npos && (at == 0 || one.names[at - 1] == ',') &&
               (end == one.names.size() || one.names[end] == ',');
    };
    const auto found = std::find_if(known.begin(), known.end(), has_name);
    if (found == known.end()) throw std::logic_error{"no flag " + std::string{name}};
    return *found;
}

usage_error bad_value(const flag& which, const std::string& value, std::string_view why) {
    auto text = std::string{which.name()} + ": " + quoted(value) + " " +
                std::string{why.empty() ? "cannot be used" : why};
    if (!which.allowed.empty()) text += "; allowed: " + std::string{which.allowed};
    return usage_error{text};
}

}  // namespace logagent::cli
