#include "service_status.hpp"

namespace logagent::agent {

namespace {

std::string collecting(std::size_t files) {
    return "collecting " + std::to_string(files) + (files == 1 ? " file" : " files");
}

}  // namespace

std::string service_status(const config_report& config, std::size_t files, bool kafka_up) {
    const bool applied = config.applied_ms != 0;
    std::string text = applied ? collecting(files) : "waiting for a configuration";
    if (!config.connection.empty()) {
        // How soon the next try comes changes all the time and is no news.
        const auto reason = config.connection.substr(0, config.connection.find("; next try"));
        text += (applied ? "; the configuration is not followed: " : ": ") + reason;
    }
    if (config.state == "failed")
        text += applied ? "; the newest configuration was refused, the one before goes on"
                        : ": the only one there is was refused";
    if (!kafka_up) text += "; Kafka is down, lines wait in their files";
    return text;
}

}  // namespace logagent::agent
