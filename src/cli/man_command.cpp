#include <ostream>

#include "cli/commands.hpp"
#include "cli/man_text.hpp"
#include "logagent_version.hpp"

namespace logagent::cli {

namespace {

constexpr flag flags[] = {
    {.names = "--command", .value = "NAME", .help = "The page of this command (the overview)."},
};

int run(const arguments& given, streams to) {
    const auto* name = given.last("--command");
    if (!name) {
        to.out << overview_page(commands(), LOGAGENT_VERSION);
        return 0;
    }
    const auto* which = find_command(*name);
    if (!which) throw bad_value(flags[0], *name, "is no command");
    to.out << command_page(*which, LOGAGENT_VERSION);
    return 0;
}

}  // namespace

const command man_command{
    .name = "man",
    .summary = "print a manual page",
    .usage = "[--command NAME]",
    .about =
        "Prints logagent(1), or the page of one command, as source for man. The Debian package "
        "installs them.",
    .flags = flags,
    .examples = "  logagent man --command agent | man -l -\n",
    .run = run,
    .hidden = true,
};

}  // namespace logagent::cli
