#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <ostream>
#include <set>

#include "cli/commands.hpp"
#include "cli/mock_topics.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/kafka/topic_name.hpp"

namespace logagent::cli {

namespace {

constexpr flag flags[] = {
    {.names = "--brokers",
     .value = "N",
     .help = "How many brokers, 1 to 10 (1). Topics have a replica on each, at most 3.",
     .allowed = "1 to 10"},
    {.names = "--topic",
     .value = "NAME:PARTITIONS",
     .help = "A topic to begin with; may be given several times. Without :PARTITIONS it has 1.",
     .allowed = "NAME or NAME:PARTITIONS, a name of a-z A-Z 0-9 . _ -, 1 to 1000 partitions"},
};

int run_mock(const arguments& given, streams to) {
    const auto brokers = given.has("--brokers") ? read_number(find_flag(flags, "--brokers"),
                                                              *given.last("--brokers"), 1, 10)
                                                : 1;
    const auto topics = read_mock_topics(find_flag(flags, "--topic"), given.all("--topic"));

    // Before the brokers, so that a signal never finds them without this.
    boost::asio::io_context loop{1};
    boost::asio::signal_set signals{loop, SIGINT, SIGTERM};
    signals.async_wait([](const boost::system::error_code&, int) {});

    const kafka::mock_cluster cluster{static_cast<int>(brokers), topics};
    to.out << "bootstrap=" << cluster.addresses() << std::endl;
    if (!to.out) throw std::runtime_error{"standard output cannot be written"};
    loop.run();
    // With clients connected the library's own end of a cluster sometimes waits for ever for one of
    // its threads. There is nothing to save.
    to.out << std::flush;
    ::_exit(0);
}

}  // namespace

std::vector<kafka::mock_cluster::topic> read_mock_topics(const flag& which,
                                                         const std::vector<std::string>& values) {
    std::vector<kafka::mock_cluster::topic> out;
    std::set<std::string> seen;
    for (const auto& value : values) {
        const auto colon = value.find(':');
        const auto name = value.substr(0, colon);
        if (!kafka::valid_topic_name(name)) throw bad_value(which, value, "names no topic");
        std::uint64_t partitions = 1;
        if (colon != value.npos) {
            const auto number = base::parse_unsigned(value.substr(colon + 1));
            if (!number || *number < 1 || *number > 1000)
                throw bad_value(which, value, "has no number of partitions");
            partitions = *number;
        }
        if (!seen.insert(name).second) throw bad_value(which, value, "is given twice");
        out.push_back({name, static_cast<int>(partitions)});
    }
    return out;
}

const command mock_kafka_command{
    .name = "mock-kafka",
    .summary = "run a Kafka for local tries inside this process",
    .usage = "[--brokers N] [--topic NAME:PARTITIONS]...",
    .about =
        "Runs librdkafka's mock brokers on loopback until it gets SIGINT or SIGTERM. The first "
        "line of the output is bootstrap=127.0.0.1:PORT[,...], which is what kafka_addr and "
        "--kafka take; the ports are chosen by the library and cannot be set.\n"
        "\n"
        "For tries only. Records are in memory: about 5 MB or 100,000 batches of a partition are "
        "kept, older ones vanish without a sign, and all is gone at the end. There is no TLS, no "
        "authentication, no compaction and no check against duplicates. A topic that a client "
        "asks for comes into being by itself, whatever it is called. An acknowledgement may come "
        "40 ms late.",
    .flags = flags,
    .examples =
        "  logagent mock-kafka --topic web:3 --topic app\n"
        "  logagent mock-kafka --brokers 3\n",
    .run = run_mock,
};

}  // namespace logagent::cli
