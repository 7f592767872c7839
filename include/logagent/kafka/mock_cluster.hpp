#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "logagent/kafka/error.hpp"

namespace logagent::kafka {

/// librdkafka's mock brokers in this process: a Kafka for local tries and for tests.
///
/// It listens on loopback at ports of its own choice and keeps about 5 MB or 100,000 batches of a
/// partition: older records vanish without a sign, so count by end offsets. No TLS, no SASL, no
/// compaction, no DescribeConfigs, no check of sequence numbers, and every topic that a client asks
/// for exists. Its sockets have Nagle's algorithm on and nothing can change that from outside: an
/// acknowledgement may come 40 ms late, so it is no measure of latency.
class mock_cluster {
public:
    struct topic {
        std::string name;
        int partitions = 1;
    };

    /// Kafka's protocol number of a request, for push_errors().
    enum class request : std::int16_t {
        produce = 0,
        fetch = 1,
        metadata = 3,
        init_producer_id = 22,
    };

    /// Brokers have the ids 1 to `brokers`. Throws std::runtime_error when it cannot start.
    explicit mock_cluster(int brokers, std::span<const topic> topics = {});
    ~mock_cluster();
    mock_cluster(const mock_cluster&) = delete;
    mock_cluster& operator=(const mock_cluster&) = delete;

    /// "127.0.0.1:port,...", what a client takes as broker list.
    std::string addresses() const;

    /// Topics get as many replicas as there are brokers, at most 3.
    void create_topic(const topic& topic);

    /// What metadata says about a topic from now on; none = all is well.
    void topic_error(const std::string& name, error code);

    /// The next `times` requests of that kind fail. error::transport = the connection is closed.
    void push_errors(request kind, error code, int times);

    /// -1 = no leader.
    void set_leader(const std::string& topic, std::int32_t partition, std::int32_t broker);

    /// A broker that is down refuses connections.
    void set_down(std::int32_t broker);
    void set_up(std::int32_t broker);

    /// Added to every answer of the broker.
    void set_rtt(std::int32_t broker, std::chrono::milliseconds rtt);

    /// The name under which clients are told to reach the broker; its port stays.
    void advertise(std::int32_t broker, const std::string& host);

private:
    struct handles;
    std::unique_ptr<handles> handles_;
};

}  // namespace logagent::kafka
