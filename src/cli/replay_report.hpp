#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "logagent/agent/replay.hpp"

namespace logagent::cli {

/// Where a replay says what it is going to do, how far it is, and how it ended.
class replay_report {
public:
    using outcome = agent::replay::outcome;

    virtual ~replay_report() = default;

    virtual void planned(const agent::replay_job& job, const std::string& origin,
                         std::uint64_t lines, const std::vector<std::string>& notes) = 0;
    /// Twice a second. `seconds`: since it began to send.
    virtual void running(const agent::replay& which, double seconds) = 0;
    /// It cannot begin yet: a sentence.
    virtual void waits(const std::string& why) = 0;
    virtual void ended(const agent::replay& which, outcome how, double seconds) = 0;
    /// There was nothing to send, or only the plan was asked for.
    virtual void ended_without_sending() = 0;
    /// `code` is short and stable: "refused", "failed".
    virtual void failed(const std::string& code, const std::string& text) = 0;
};

/// The plan and the result on standard output, a bar on the terminal.
std::unique_ptr<replay_report> replay_report_for_people(streams to);

/// agent::replay_line, one a line on standard output.
std::unique_ptr<replay_report> replay_report_as_lines(std::ostream& out);

}  // namespace logagent::cli
