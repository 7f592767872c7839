#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "cli/flags.hpp"

namespace logagent::cli {

struct streams {
    std::ostream& out;
    std::ostream& err;
};

/// One word behind `logagent`. Adding a command = one pair of files and one row in the table.
struct command {
    std::string_view name;
    std::string_view summary;  // one line of `logagent --help`
    std::string_view usage;    // what stands behind the name
    std::string_view about;    // paragraphs, separated by an empty line
    std::span<const flag> flags;
    std::string_view examples;                       // lines, printed as they are
    int (*run)(const arguments& given, streams to);  // returns the exit code
    bool hidden = false;       // for packages, not for people: not in `logagent --help`
    bool takes_words = false;  // words without a dash are arguments without a name
};

extern const command agent_command;
extern const command check_command;
extern const command ctl_command;
extern const command replay_command;
extern const command status_command;
extern const command selftest_command;
extern const command mock_kafka_command;
extern const command transfer_command;
extern const command version_command;
extern const command web_command;
extern const command demo_command;
extern const command completion_command;
extern const command man_command;

/// Every command, in the order of the help.
std::span<const command* const> commands();

/// The command of that name, or nullptr.
const command* find_command(std::string_view name);

/// `logagent --help`.
std::string general_help();
/// `logagent COMMAND --help`, aligned, at most 100 columns.
std::string command_help(const command& which);

}  // namespace logagent::cli
