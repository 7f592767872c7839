#include <unistd.h>

#include <iostream>

#include "cli/commands.hpp"
#include "cli/configuration.hpp"
#include "cli/selftest_text.hpp"
#include "logagent/selftest/selftest.hpp"

namespace logagent::cli {

namespace {

constexpr flag flags[] = {
    {.names = "--dir",
     .value = "DIR",
     .help = "Where to do it: a directory on the disk that is to be tried. Everything lies in a "
             "new directory below it."},
    {.names = "--seconds",
     .value = "N",
     .help = "How long (30). It takes longer when something has not happened once by then, and "
             "until what was written has arrived.",
     .allowed = "1 to 86400"},
    {.names = "--kafka",
     .value = "ADDR",
     .help = "Use these brokers, host:port with commas, and take none of them away. The topic "
             "logagent-selftest-RANDOM is made, and deleted at the end if that is allowed."},
    {.names = "--set",
     .value = "KEY=VALUE",
     .help = "Any key of the agent's configuration, e.g. kafka.security.protocol=ssl. May be given "
             "several times."},
    {.names = "--keep", .help = "Leave the logs, the agent's state and its log there."},
};

/// Rows under each other, or one that changes on a terminal.
class shown final : public selftest::observer {
public:
    shown(const selftest::options& chosen, std::ostream& out)
        : chosen_{chosen}, out_{out}, terminal_{&out == &std::cout && ::isatty(STDOUT_FILENO)} {}

    void began(const std::string& directory, const std::string& brokers) override {
        out_ << selftest_heading(chosen_, directory, brokers) << std::flush;
    }
    void progressed(const selftest::progress& now) override {
        if (terminal_) out_ << '\r';
        out_ << selftest_row(now) << (terminal_ ? "\x1b[K" : "\n") << std::flush;
        open_ = terminal_;
    }
    void end_row() {
        if (open_) out_ << '\n';
    }

private:
    const selftest::options& chosen_;
    std::ostream& out_;
    bool terminal_;
    bool open_ = false;
};

selftest::options read_options(const arguments& given) {
    selftest::options out;
    const auto* directory = given.last("--dir");
    if (!directory || directory->empty()) throw usage_error{"--dir: needs a directory"};
    out.directory = *directory;
    out.keep = given.has("--keep");
    if (const auto* length = given.last("--seconds"))
        out.length =
            std::chrono::seconds{read_number(find_flag(flags, "--seconds"), *length, 1, 86'400)};
    out.agent_settings = given.all("--set");

    auto overrides = out.agent_settings;
    if (const auto* brokers = given.last("--kafka")) overrides.push_back("kafka_addr=" + *brokers);
    auto configured = read_configuration("", overrides);
    std::vector<std::string> wrong;
    for (const auto& problem : configured.problems)
        wrong.push_back(problem.line());
    if (!wrong.empty()) throw usage_error{std::move(wrong)};
    if (given.has("--kafka")) out.kafka = std::move(configured.kafka);
    out.deny_paths = configured.settings.deny_paths;
    out.allow_network_fs = configured.settings.allow_network_fs;
    return out;
}

int run_selftest(const arguments& given, streams to) {
    const auto chosen = read_options(given);
    shown rows{chosen, to.out};
    selftest::result done;
    try {
        done = selftest::run(chosen, rows);
    } catch (const selftest::unusable& problem) {
        throw usage_error{std::string{"--dir: "} + problem.what()};
    }
    rows.end_row();
    to.out << selftest_verdict(done, chosen.directory) << std::flush;
    const int code = done.good() ? 0 : 1;
    if (done.embedded) ::_exit(code);  // its threads still run
    return code;
}

}  // namespace

const command selftest_command{
    .name = "selftest",
    .summary = "torture an agent on this disk and count what is lost",
    .usage = "--dir DIR [--seconds N] [--kafka ADDR] [--keep]",
    .about =
        "Runs an agent as a child and makes its life hard: four writers whose logs are rotated by "
        "renaming, by renaming while the writer goes on in the old file, by copytruncate and by "
        "deleting; kill -9 of the agent; a broker that goes away. Reads meanwhile what arrives in "
        "Kafka and compares every record with what was written: the line byte for byte, and that "
        "the key names just those bytes of just that file.\n"
        "\n"
        "Without --kafka it uses the embedded broker, and the writers wait where it would forget "
        "records before they are read. Lines that copytruncate itself destroys, because they were "
        "written between its copy and its truncation, are counted apart: nobody can collect them. "
        "A log is deleted only while the agent has it open, as the rest of a file that is deleted "
        "while no agent runs is gone by its nature.\n"
        "\n"
        "Ctrl-C ends early with the verdict on what was written so far. Ends with 0 when nothing "
        "is lost or torn, 1 when something is or the test could not be finished, 2 on wrong usage. "
        "After a good verdict nothing is left in DIR; otherwise everything is.",
    .flags = flags,
    .examples =
        "  logagent selftest --dir /var/log\n"
        "  logagent selftest --dir /data --seconds 3600 --kafka 10.0.0.7:9092\n",
    .run = run_selftest,
};

}  // namespace logagent::cli
