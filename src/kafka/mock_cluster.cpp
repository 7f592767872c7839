#include "logagent/kafka/mock_cluster.hpp"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

namespace logagent::kafka {

struct mock_cluster::handles {
    rd_kafka_t* client = nullptr;  // the mock lives inside a client that is not used otherwise
    rd_kafka_mock_cluster_t* cluster = nullptr;
    int brokers = 0;
    std::map<std::int32_t, int> ports;

    ~handles() {
        if (cluster) rd_kafka_mock_cluster_destroy(cluster);
        if (client) rd_kafka_destroy(client);
    }
};

namespace {

rd_kafka_resp_err_t code_of(error code) {
    return static_cast<rd_kafka_resp_err_t>(code);
}

void check(rd_kafka_resp_err_t code, const std::string& what) {
    if (code) throw std::runtime_error{"mock cluster: " + what + ": " + rd_kafka_err2str(code)};
}

}  // namespace

mock_cluster::mock_cluster(int brokers, std::span<const topic> topics)
    : handles_{std::make_unique<handles>()} {
    std::array<char, 512> why{};
    auto* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);  // "no brokers configured", on standard error
    handles_->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size());
    if (!handles_->client) {
        rd_kafka_conf_destroy(conf);
        throw std::runtime_error{std::string{"mock cluster: "} + why.data()};
    }
    handles_->brokers = brokers;
    handles_->cluster = rd_kafka_mock_cluster_new(handles_->client, brokers);
    if (!handles_->cluster) throw std::runtime_error{"mock cluster: cannot start its brokers"};
    // By itself the mock names a broker that it does not have, and admin requests wait for ever.
    rd_kafka_mock_set_controller_id(handles_->cluster, 1);
    const auto list = addresses();
    std::int32_t id = 0;  // the list is in the order of the ids
    for (std::size_t at = list.find(':'); at != std::string::npos; at = list.find(':', at + 1))
        handles_->ports[++id] = std::stoi(list.substr(at + 1));
    for (const auto& wanted : topics)
        create_topic(wanted);
}

mock_cluster::~mock_cluster() = default;

std::string mock_cluster::addresses() const {
    return rd_kafka_mock_cluster_bootstraps(handles_->cluster);
}

void mock_cluster::create_topic(const topic& wanted) {
    check(rd_kafka_mock_topic_create(handles_->cluster, wanted.name.c_str(), wanted.partitions,
                                     std::min(handles_->brokers, 3)),
          "create topic " + wanted.name);
}

void mock_cluster::topic_error(const std::string& name, error code) {
    rd_kafka_mock_topic_set_error(handles_->cluster, name.c_str(), code_of(code));
}

void mock_cluster::push_errors(request kind, error code, int times) {
    const std::vector errors(static_cast<std::size_t>(times), code_of(code));
    rd_kafka_mock_push_request_errors_array(handles_->cluster, static_cast<std::int16_t>(kind),
                                            errors.size(), errors.data());
}

void mock_cluster::set_leader(const std::string& name, std::int32_t partition,
                              std::int32_t broker) {
    check(rd_kafka_mock_partition_set_leader(handles_->cluster, name.c_str(), partition, broker),
          "set the leader of " + name);
}

void mock_cluster::set_down(std::int32_t broker) {
    check(rd_kafka_mock_broker_set_down(handles_->cluster, broker), "set a broker down");
}

void mock_cluster::set_up(std::int32_t broker) {
    check(rd_kafka_mock_broker_set_up(handles_->cluster, broker), "set a broker up");
}

void mock_cluster::set_rtt(std::int32_t broker, std::chrono::milliseconds rtt) {
    check(rd_kafka_mock_broker_set_rtt(handles_->cluster, broker, static_cast<int>(rtt.count())),
          "set the round trip of a broker");
}

void mock_cluster::advertise(std::int32_t broker, const std::string& host) {
    rd_kafka_mock_broker_set_host_port(handles_->cluster, broker, host.c_str(),
                                       handles_->ports.at(broker));
}

}  // namespace logagent::kafka
