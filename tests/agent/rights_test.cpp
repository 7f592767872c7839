#include "agent/rights.hpp"

#include <algorithm>

#include "support/test.hpp"

namespace logagent::agent {

namespace {

bool has(const std::vector<std::string>& list, const std::string& path) {
    return std::ranges::find(list, path) != list.end();
}

}  // namespace

TEST_CASE("an agent may write its state and its log and read what its configuration names",
          "[rights]") {
    agent_options options;
    options.config_file = "/etc/logagent/agent.ini";
    options.settings.log = "/var/log/logagent/agent.log";
    options.settings.etcd_ca = "/pki/etcd/ca.pem";
    options.settings.allow_paths = {"/var/log", "/home/*/logs"};
    options.settings.kafka["sasl.password_file"] = {"/secrets/kafka", "agent.ini:3"};
    options.settings.kafka["compression.codec"] = {"lz4", "agent.ini:4"};
    const auto needed = needed_by(options, "/var/lib/logagent");
    CHECK(needed.writable == std::vector<std::string>{"/var/lib/logagent", "/var/log/logagent"});
    for (const auto* path : {"/etc/logagent", "/pki/etcd", "/secrets", "/var/log", "/home/*/logs"})
        CHECK(has(needed.readable, path));
    CHECK_FALSE(has(needed.readable, ""));
    CHECK(needed.reads_everything.empty());
    CHECK(needed.read_any_file);
    CHECK_FALSE(needed.low_ports);
}

TEST_CASE("files named on the command line leave reading open, since links may lead anywhere",
          "[rights]") {
    agent_options options;
    options.files.push_back({"/tmp/app.log", "t", "s"});
    CHECK_FALSE(needed_by(options, {}).reads_everything.empty());
    CHECK(needed_by(options, {}).writable.empty());
    options.files.clear();
    options.logconfig = "/tmp/targets.json";
    CHECK_FALSE(needed_by(options, {}).reads_everything.empty());
}

TEST_CASE("the right to a low port stays only where one is asked for", "[rights]") {
    agent_options options;
    options.settings.status_addr.port = 80;
    CHECK(needed_by(options, {}).low_ports);
    options.settings.status_on = false;
    CHECK_FALSE(needed_by(options, {}).low_ports);
}

}  // namespace logagent::agent
