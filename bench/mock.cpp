// The mock cluster in a process of its own, so that its CPU is not counted for the one that is
// measured. Prints its addresses and serves until it is told to end.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "logagent/kafka/mock_cluster.hpp"

int main(int count, char** arguments) {
    using logagent::kafka::mock_cluster;
    int brokers = 1;
    std::vector<std::string> names;
    CLI::App app{"librdkafka's mock cluster"};
    app.add_option("--brokers", brokers)->check(CLI::Range(1, 50));
    app.add_option("--topic", names, "name:partitions; may be repeated");
    CLI11_PARSE(app, count, arguments);

    // Blocked before there are threads, so that all of them leave the signals to sigwait().
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, nullptr);

    std::vector<mock_cluster::topic> topics;
    for (const auto& name : names) {
        const auto colon = name.find(':');
        const auto partitions = colon == std::string::npos ? "1" : name.substr(colon + 1);
        topics.push_back({name.substr(0, colon), std::stoi(partitions)});
    }
    const mock_cluster cluster{brokers, topics};
    std::printf("%s\n", cluster.addresses().c_str());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&ends, &signal);
    _exit(0);
}
