#include <ostream>

#include "cli/commands.hpp"
#include "cli/completion_text.hpp"

namespace logagent::cli {

namespace {

constexpr flag flags[] = {
    {.names = "--shell",
     .value = "SHELL",
     .help = "Which shell reads it, bash or zsh (bash).",
     .allowed = "bash, zsh"},
};

int run(const arguments& given, streams to) {
    const auto shell = given.value_or("--shell", "bash");
    if (shell != "bash" && shell != "zsh") throw bad_value(flags[0], shell);
    to.out << (shell == "bash" ? bash_completion(commands()) : zsh_completion(commands()));
    return 0;
}

}  // namespace

const command completion_command{
    .name = "completion",
    .summary = "print what makes a shell complete commands and flags",
    .usage = "[--shell bash|zsh]",
    .about =
        "Prints a script for the shell, made from the same table that the parser reads. The Debian "
        "package installs both.",
    .flags = flags,
    .examples =
        "  source <(logagent completion)\n"
        "  logagent completion --shell zsh >/usr/local/share/zsh/site-functions/_logagent\n",
    .run = run,
    .hidden = true,
};

}  // namespace logagent::cli
