#include "agent/service_status.hpp"

#include "support/test.hpp"

namespace logagent::agent {

TEST_CASE("the service manager reads how many files are collected and what is missing",
          "[service_status]") {
    config_report config;
    config.state = "waiting";
    config.connection = "etcd range at 10.0.0.5:2379: Connection refused; next try in 0.4 s";
    CHECK(service_status(config, 0, true) ==
          "waiting for a configuration: etcd range at 10.0.0.5:2379: Connection refused");
    config.connection.clear();
    CHECK(service_status(config, 0, true) == "waiting for a configuration");
    config.state = "failed";
    CHECK(service_status(config, 0, true) ==
          "waiting for a configuration: the only one there is was refused");

    config.applied_ms = 1;
    CHECK(service_status(config, 1, true) ==
          "collecting 1 file; the newest configuration was refused, the one before goes on");
    config.state = "applied";
    CHECK(service_status(config, 2, true) == "collecting 2 files");
    config.connection = "gone; next try in 3.0 s";
    CHECK(service_status(config, 2, false) ==
          "collecting 2 files; the configuration is not followed: gone; Kafka is down, lines wait "
          "in their files");
}

}  // namespace logagent::agent
