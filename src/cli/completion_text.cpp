#include "cli/completion_text.hpp"

#include <algorithm>
#include <vector>

namespace logagent::cli {

namespace {

bool is_path(const flag& one) {
    return one.value == "FILE" || one.value == "PATH" || one.value == "DIR";
}

/// "start, end" is a list of words to choose from; a sentence about numbers is not.
std::vector<std::string> choices(const flag& one) {
    std::vector<std::string> out;
    for (auto rest = one.allowed; !rest.empty();) {
        const auto end = std::min(rest.find(", "), rest.size());
        out.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 2, rest.size()));
        const auto of_word = [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == '_'; };
        if (out.back().size() < 2 || !std::ranges::all_of(out.back(), of_word)) return {};
    }
    return out.size() > 1 ? out : std::vector<std::string>{};
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words)
        out += (out.empty() ? "" : " ") + word;
    return out;
}

/// "-c" and "--config".
std::vector<std::string> names_of(const flag& one) {
    std::vector<std::string> out;
    if (const auto comma = one.names.find(','); comma != one.names.npos)
        out.emplace_back(one.names.substr(0, comma));
    out.emplace_back(one.name());
    return out;
}

std::string bash_case(const command& which) {
    std::string flags = "--help", values;
    for (const auto& one : which.flags) {
        flags += " " + std::string{one.name()};
        if (one.value.empty()) continue;
        std::string pattern;
        for (const auto& name : names_of(one))
            pattern += (pattern.empty() ? "" : "|") + name;
        values += "                " + pattern + ") ";
        if (is_path(one))
            values += "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n";
        else
            values += "COMPREPLY=($(compgen -W '" + joined(choices(one)) +
                      "' -- \"$word\")); return ;;\n";
    }
    std::string out = "        " + std::string{which.name} + ")\n";
    if (!values.empty()) out += "            case $before in\n" + values + "            esac\n";
    return out + "            flags='" + flags + "' ;;\n";
}

/// What stands in one row of zsh's _arguments: its own quotes, brackets and colons escaped.
std::string zsh_text(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, text.find(". "))) {
        if (c == '\'')
            out += "'\\''";
        else if (c == '[' || c == ']' || c == ':' || c == '\\')
            out += std::string{"\\"} + c;
        else
            out += c;
    }
    return out;
}

std::string zsh_row(const flag& one) {
    const auto names = names_of(one);
    std::string tail = "[" + zsh_text(one.help) + "]";
    if (is_path(one))
        tail += ":" + std::string{one.value} + ":_files";
    else if (!one.value.empty())
        tail += ":" + zsh_text(one.value) + ":(" + joined(choices(one)) + ")";
    std::string out;
    for (const auto& name : names)
        out += " \\\n                '*" + name + tail + "'";
    return out;
}

}  // namespace

std::string bash_completion(std::span<const command* const> known) {
    std::string names = "help", cases;
    for (const auto* one : known) {
        if (one->hidden) continue;
        names += " " + std::string{one->name};
        cases += bash_case(*one);
    }
    return "# Completion of logagent for bash; printed by `logagent completion`.\n"
           "_logagent() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} flags=''\n"
           "    COMPREPLY=()\n"
           "    if ((COMP_CWORD == 1)); then\n"
           "        COMPREPLY=($(compgen -W '" +
           names +
           " --help --version' -- \"$word\"))\n"
           "        return\n"
           "    fi\n"
           "    case ${COMP_WORDS[1]} in\n"
           "        help) flags='" +
           names + "' ;;\n" + cases +
           "    esac\n"
           "    COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
           "}\n"
           "complete -F _logagent logagent\n";
}

std::string zsh_completion(std::span<const command* const> known) {
    std::string names, cases;
    for (const auto* one : known) {
        if (one->hidden) continue;
        names += "        '" + std::string{one->name} + ":" + zsh_text(one->summary) + "'\n";
        cases += "        " + std::string{one->name} + ")\n            _arguments -s";
        for (const auto& row : one->flags)
            cases += zsh_row(row);
        cases += " \\\n                '(- *)'{-h,--help}'[Print help and end]' ;;\n";
    }
    return "#compdef logagent\n"
           "# Completion of logagent for zsh; printed by `logagent completion --shell zsh`.\n"
           "_logagent() {\n"
           "    local -a commands=(\n" +
           names +
           "    )\n"
           "    if ((CURRENT == 2)); then\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    local chosen=$words[2]\n"
           "    shift words\n"
           "    ((CURRENT--))\n"
           "    case $chosen in\n" +
           cases +
           "    esac\n"
           "}\n"
           "_logagent \"$@\"\n";
}

}  // namespace logagent::cli
