#include "properties.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace logagent::kafka {

namespace {

constexpr allowed_property allowed[] = {
    {"batch.num.messages", "1 to 1000000", "10000", "records of a batch at most"},
    {"batch.size", "1 to 2147483647 bytes", "1000000",
     "bytes of a batch at most; lowered by itself for topics with a smaller max.message.bytes"},
    {"broker.address.family", "any, v4, v6", "any", "which addresses of a broker are used"},
    {"client.id", "text", "logagent", "name of the client in the broker's logs and quotas"},
    {"client.rack", "text", "", "rack of this host"},
    {"compression.codec", "none, gzip, snappy, lz4, zstd", "", "another name of compression.type"},
    {"compression.level", "-1 to 12; -1 = the codec's own", "-1",
     "zstd: 1 costs a quarter less than the standard 3; lz4: above 2 is seven times slower"},
    {"compression.type", "none, gzip, snappy, lz4, zstd", "lz4", "how batches are compressed"},
    {"connections.max.idle.ms", "0 to 2147483647; 0 = never", "0", "closes idle connections"},
    {"linger.ms", "0 to 900000", "5", "how long a batch waits for more records"},
    {"metadata.max.age.ms", "1 to 86400000", "", "age at which metadata is dropped"},
    {"reconnect.backoff.ms", "0 to 2000", "50", "first wait before connecting again"},
    {"retry.backoff.max.ms", "50 to 300000", "", "longest wait before a retry"},
    {"retry.backoff.ms", "1 to 300000", "", "first wait before a retry"},
    {"sasl.mechanism", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", "", "how to authenticate"},
    {"sasl.mechanisms", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", "",
     "another name of sasl.mechanism"},
    {"sasl.password", "text", "", "better: sasl.password_file", true},
    {"sasl.password_file", "path of a file that holds the password", "",
     "its first line is the password"},
    {"sasl.username", "text", "", "user name for PLAIN and SCRAM"},
    {"security.protocol", "plaintext, ssl, sasl_plaintext, sasl_ssl", "plaintext",
     "how to talk to the brokers"},
    {"socket.connection.setup.timeout.ms", "1000 to 2147483647", "10000",
     "how long a connection may take until it is usable"},
    {"socket.receive.buffer.bytes", "0 to 100000000; 0 = the system's", "0", "receive buffer"},
    {"socket.send.buffer.bytes", "0 to 100000000; 0 = the system's", "0", "send buffer"},
    {"ssl.ca.location", "path of a file or directory", "", "certificates to trust"},
    {"ssl.certificate.location", "path of a PEM file", "", "our certificate"},
    {"ssl.cipher.suites", "OpenSSL's list of ciphers", "", "ciphers of TLS up to 1.2"},
    {"ssl.crl.location", "path of a file", "", "certificates that were revoked"},
    {"ssl.curves.list", "OpenSSL's list of curves", "", "curves for TLS"},
    {"ssl.endpoint.identification.algorithm", "https, none", "https",
     "none = the broker's name is not checked"},
    {"ssl.key.location", "path of a PEM file", "", "the key of our certificate"},
    {"ssl.key.password", "text", "", "the password of that key", true},
    {"ssl.sigalgs.list", "OpenSSL's list of algorithms", "", "signatures for TLS"},
    {"topic.metadata.propagation.max.ms", "0 to 3600000", "30000",
     "how long a topic that is not known yet is waited for"},
    {"topic.metadata.refresh.interval.ms", "-1 to 3600000", "",
     "how often topics and leaders are asked for"},
};

constexpr fixed_property fixed[] = {
    {"acks", "all", "fewer would lose lines"},
    {"delivery.report.only.error", "false", "positions move by the reports"},
    {"enable.metrics.push", "false", "the brokers get no telemetry of this host"},
    {"log.queue", "true", "librdkafka's log goes through ours"},
    {"message.timeout.ms", "0", "a line is never given up by time"},
    {"queue.buffering.max.kbytes", "2147483647", "in_flight_bytes bounds the memory"},
    {"queue.buffering.max.messages", "0", "in_flight_bytes bounds the memory"},
    {"reconnect.backoff.max.ms", "2000", "recovery within 5 s of the cause ending"},
    {"socket.keepalive.enable", "true", "dead connections are noticed"},
    {"socket.nagle.disable", "true", "no line waits for the next one"},
    {"statistics.interval.ms", "0", "the metrics of the agent say what is needed"},
    // Set for each instance, from its options.
    {"enable.idempotence", "", "order holds over retries"},
    {"max.in.flight", "", "order holds over retries"},
    {"max.in.flight.requests.per.connection", "", "order holds over retries"},
    {"message.max.bytes", "", "the topic's max.message.bytes is the limit"},
    {"request.required.acks", "", "fewer would lose lines"},
    {"request.timeout.ms", "", "it belongs to socket.timeout.ms"},
    {"socket.timeout.ms", "", "a silent broker is given up after 10 s"},
    // Known to librdkafka and given as arguments of ours.
    {"bootstrap.servers", "", "kafka_addr names the brokers"},
    {"metadata.broker.list", "", "kafka_addr names the brokers"},
};

/// Edits that turn one name into the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, changed});
        }
    }
    return row[b.size()];
}

}  // namespace

std::span<const allowed_property> allowed_properties() {
    return allowed;
}

std::span<const fixed_property> fixed_properties() {
    return fixed;
}

const allowed_property* find_allowed(std::string_view name) {
    const auto found = std::find_if(std::begin(allowed), std::end(allowed),
                                    [&](const auto& property) { return property.name == name; });
    return found == std::end(allowed) ? nullptr : found;
}

std::string closest_allowed(std::string_view name) {
    const auto nearest =
        std::min_element(std::begin(allowed), std::end(allowed), [&](const auto& a, const auto& b) {
            return distance(name, a.name) < distance(name, b.name);
        });
    if (distance(name, nearest->name) > std::max<std::size_t>(2, name.size() / 4)) return {};
    return std::string{nearest->name};
}

}  // namespace logagent::kafka
