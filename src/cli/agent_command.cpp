#include "cli/agent_flags.hpp"
#include "cli/commands.hpp"

namespace logagent::cli {

namespace {

int run(const arguments& given, streams) {
    return agent::run_agent(read_agent_options(given, real_surroundings()));
}

}  // namespace

const command agent_command{
    .name = "agent",
    .summary = "collect this host's files and send their lines to Kafka",
    .usage = "[-c FILE] [--file PATH --topic T]... [FLAGS]",
    .about =
        "Reads its targets from etcd, or from --file and --logconfig, tails the files, and sends "
        "each line to Kafka. SIGTERM and SIGINT stop it after what was read is acknowledged, a "
        "second one at once; SIGHUP reads the targets again.\n"
        "\n"
        "--topic, --service, --rate and --start hold for the --file before them. Before the first "
        "--file they are the default for all. With --file or --logconfig state_dir is by default "
        "$XDG_STATE_HOME/logagent or ~/.local/state/logagent; such files are allowed whatever "
        "allow_paths says, deny_paths holds. With --output - or --once the status server is off "
        "unless status_addr is set.",
    .flags = agent_flags(),
    .examples =
        "  logagent agent -c /etc/logagent/agent.ini\n"
        "  logagent agent --file app.log --topic app --start start --kafka "
        "127.0.0.1:9092\n"
        "  logagent agent --topic web --file a.log --file b.log --rate 500 --output - "
        "--once\n",
    .run = run,
};

}  // namespace logagent::cli
