#include "cli/commands.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

#include "logagent/base/escape.hpp"
#include "logagent/cli/run.hpp"

namespace logagent::cli {

namespace {

constexpr std::array table{
    &agent_command,   &web_command,    &ctl_command,        &transfer_command, &replay_command,
    &check_command,   &status_command, &demo_command,       &selftest_command, &mock_kafka_command,
    &version_command, &man_command,    &completion_command,
};

constexpr int usage_exit = 2;

int unknown_command(const std::string& word, std::ostream& err) {
    std::vector<std::string_view> names{"help"};
    for (const auto* one : table)
        names.push_back(one->name);
    const bool is_flag = word.starts_with('-');
    err << "logagent: " << base::visible(word, 60) << ": there is no such "
        << (is_flag ? "flag" : "command") << spelling_hint(names, word)
        << "; see logagent --help\n";
    return usage_exit;
}

int run_command(const command& which, std::span<const std::string> words, streams to) {
    try {
        const auto parsed = parse_flags(which.flags, words, which.takes_words);
        if (parsed.help) {
            to.out << command_help(which);
            return 0;
        }
        return which.run(parsed.arguments, to);
    } catch (const usage_error& error) {
        for (const auto& line : error.lines())
            to.err << "logagent " << which.name << ": " << line << '\n';
        return usage_exit;
    }
}

/// "help check" means "check --help".
std::vector<std::string> normal_form(std::vector<std::string> words) {
    if (words[0] == "help" && words.size() > 1) return {words[1], "--help"};
    if (words[0] == "help" || words[0] == "-h") return {"--help"};
    if (words[0] == "--version" || words[0] == "-V") words[0] = "version";
    return words;
}

}  // namespace

std::span<const command* const> commands() {
    return table;
}

const command* find_command(std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const command* one) { return one->name == name; });
    return found == table.end() ? nullptr : *found;
}

int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err) {
    if (arguments.empty()) {
        err << general_help();
        return usage_exit;
    }
    const auto words = normal_form(std::move(arguments));
    if (words[0] == "--help") {
        out << general_help();
        return 0;
    }
    const auto* which = find_command(words[0]);
    if (!which) return unknown_command(words[0], err);
    return run_command(*which, std::span{words}.subspan(1), {out, err});
}

}  // namespace logagent::cli
