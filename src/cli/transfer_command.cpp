#include "cli/commands.hpp"
#include "cli/dead_letter_list.hpp"
#include "cli/transfer_options.hpp"

namespace logagent::cli {

namespace {

int run(const arguments& given, streams to) {
    const auto* const letters = given.last("--dead-letters");
    const int wanted = (given.has("--list") ? 1 : 0) + (given.has("--retry") ? 1 : 0);
    if (wanted != (letters ? 1 : 0))
        throw usage_error{
            "--dead-letters TOPIC goes with --list or with --retry, and they with it"};
    auto options = read_transfer_options(given);
    if (given.has("--list")) return list_dead_letters(options.kafka, *letters, to.out, to.err);
    return transfer::run_transfer(std::move(options));
}

}  // namespace

const command transfer_command{
    .name = "transfer",
    .summary = "bring records from Kafka to Elasticsearch, HDFS, Storm, Kafka or a file",
    .usage =
        "[-c FILE] [--topic T (--sink-url URL | --stdout)] [--kafka ADDR] "
        "[--set KEY=VALUE]... [--dead-letters TOPIC (--list | --retry)]",
    .about =
        "Reads topics and delivers each record to the sink of its route: one consumer group for "
        "each route, so that a slow sink holds up nothing else. A record is committed only after "
        "its sink has accepted it or after it lies in the topic <topic>.dead with the reason; "
        "agents' records that come a second time are dropped. Several processes with the same "
        "configuration share the work.\n"
        "\n"
        "SIGTERM and SIGINT stop it after what was read is stored, within shutdown_timeout; a "
        "second one at once. Exit code 3: records are still pending, they are read again at the "
        "next start. With --topic no status is served unless status_addr is set.",
    .flags = transfer_flags(),
    .examples =
        "  logagent transfer -c /etc/logagent/transfer.ini\n"
        "  logagent transfer --topic app --stdout --kafka 127.0.0.1:9092\n"
        "  logagent transfer --topic app --sink-url http://127.0.0.1:9200 --kafka "
        "127.0.0.1:9092\n",
    .run = run,
};

}  // namespace logagent::cli
