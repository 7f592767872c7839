#include "logagent/kafka/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "support/test.hpp"

namespace logagent::kafka::test {

namespace {

using properties = std::map<std::string, std::string>;

settings_result read(const properties& given) {
    return read_settings("127.0.0.1:9092", given);
}

/// The one error that is expected.
settings_error refused(const properties& given) {
    const auto result = read(given);
    REQUIRE(result.errors.size() == 1);
    return result.errors.front();
}

struct temporary_file {
    explicit temporary_file(const std::string& content) {
        char name[] = "/tmp/logagent-settings-XXXXXX";
        ::close(::mkstemp(name));
        path = name;
        std::ofstream{path} << content;
    }
    ~temporary_file() { std::filesystem::remove(path); }
    std::string path;
};

}  // namespace

TEST_CASE("without settings a producer compresses, lingers shortly and loses nothing", "[kafka]") {
    const auto result = read({});
    CHECK(result.errors.empty());
    const auto& set = result.value.properties;
    CHECK(set.at("compression.type") == "lz4");
    CHECK(set.at("linger.ms") == "5");
    CHECK(set.at("acks") == "all");
    CHECK(set.at("message.timeout.ms") == "0");
    CHECK(set.at("queue.buffering.max.messages") == "0");
    CHECK(set.at("enable.metrics.push") == "false");
}

TEST_CASE("an allowed property is taken over", "[kafka]") {
    const auto result = read({{"linger.ms", "20"}, {"compression.codec", "zstd"}});
    CHECK(result.errors.empty());
    CHECK(result.value.properties.at("linger.ms") == "20");
    CHECK(result.value.properties.at("compression.type") == "zstd");
    CHECK_FALSE(result.value.properties.contains("compression.codec"));
}

TEST_CASE("the table of properties is sorted and known to librdkafka", "[kafka]") {
    const auto table = allowed_properties();
    CHECK(std::is_sorted(table.begin(), table.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; }));
    properties standards;
    for (const auto& property : table) {
        CAPTURE(property.name);
        CHECK_FALSE(property.values.empty());
        CHECK_FALSE(property.help.empty());
        if (!property.standard.empty() && property.name != "client.rack")
            standards.emplace(property.name, property.standard);
    }
    CHECK(read(standards).errors.empty());
}

TEST_CASE("a property that decides about loss cannot be set", "[kafka]") {
    for (const auto* name :
         {"acks", "message.timeout.ms", "enable.idempotence", "socket.timeout.ms",
          "queue.buffering.max.messages", "bootstrap.servers"}) {
        const auto error = refused({{name, "1"}});
        CHECK(error.key == std::string{"kafka."} + name);
        CHECK(error.reason.find("set by logagent") != std::string::npos);
        CHECK_FALSE(error.allowed.empty());
    }
}

TEST_CASE("a property that loads code, runs a shell or opens a hole cannot be set", "[kafka]") {
    for (const auto* name :
         {"plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.engine.location", "ssl.providers",
          "debug", "test.mock.num.brokers", "enable.ssl.certificate.verification",
          "sasl.oauthbearer.config"}) {
        const auto error = refused({{name, "/tmp/secret.so"}});
        CHECK(error.key == std::string{"kafka."} + name);
        CHECK(error.reason.find("may be set") != std::string::npos);
        CHECK(error.value == "***");
    }
}

TEST_CASE("a misspelled property is answered with the right one", "[kafka]") {
    CHECK(refused({{"liger.ms", "5"}}).allowed.find("kafka.linger.ms") != std::string::npos);
    CHECK(refused({{"compresion.type", "lz4"}}).allowed.find("kafka.compression.type") !=
          std::string::npos);
}

TEST_CASE("a bad value names the key, the value and what is allowed", "[kafka]") {
    const auto error = refused({{"compression.type", "rar"}});
    CHECK(error.key == "kafka.compression.type");
    CHECK(error.value == "rar");
    CHECK(error.allowed == "none, gzip, snappy, lz4, zstd");
    CHECK_FALSE(error.reason.empty());
    CHECK(refused({{"linger.ms", "-3"}}).value == "-3");
    CHECK(refused({{"linger.ms", ""}}).reason == "the value is empty");
    CHECK(refused({{"reconnect.backoff.ms", "5000"}}).key == "kafka.reconnect.backoff.ms");
}

TEST_CASE("all errors are told at once", "[kafka]") {
    const auto result =
        read_settings("a:b", {{"linger.ms", "x"}, {"acks", "0"}, {"nonsense", "1"}});
    CHECK(result.errors.size() == 4);
}

TEST_CASE("a broker list is checked", "[kafka]") {
    CHECK(read_settings("a, b:9093 ,[::1]:9094,10.0.0.1", {}).value.brokers ==
          "a,b:9093,[::1]:9094,10.0.0.1");
    CHECK(broker_hosts("a, b:9093 ,[::1]:9094,10.0.0.1") ==
          std::vector<std::string>{"a", "b", "::1", "10.0.0.1"});
    for (const auto* bad : {"", " , ", "a:", "a:0", "a:70000", "a:x", "http://a:1", "a b", "[::1",
                            "[::1]9092", ":9092"}) {
        CAPTURE(bad);
        const auto result = read_settings(bad, {});
        REQUIRE_FALSE(result.errors.empty());
        CHECK(result.errors.front().key == "kafka_addr");
    }
}

TEST_CASE("SASL without a mechanism and Kerberos are refused", "[kafka]") {
    const auto none = refused({{"security.protocol", "SASL_PLAINTEXT"}});
    CHECK(none.key == "kafka.sasl.mechanism");
    CHECK(none.allowed == "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512");
    CHECK(refused({{"security.protocol", "sasl_plaintext"}, {"sasl.mechanism", "gssapi"}})
              .reason.find("Kerberos") != std::string::npos);
    CHECK(
        refused({{"security.protocol", "sasl_plaintext"}, {"sasl.mechanism", "OAUTHBEARER"}}).key ==
        "kafka.sasl.mechanism");
    CHECK(refused({{"sasl.mechanism", "PLAIN"}, {"sasl.username", "alice"}, {"sasl.password", "x"}})
              .key == "kafka.security.protocol");
    CHECK(refused({{"security.protocol", "sasl_plaintext"},
                   {"sasl.mechanism", "PLAIN"},
                   {"sasl.username", "alice"}})
              .key == "kafka.sasl.password");
}

TEST_CASE("a password comes from a file and is never shown", "[kafka]") {
    const properties sasl{{"security.protocol", "sasl_plaintext"},
                          {"sasl.mechanisms", "SCRAM-SHA-512"},
                          {"sasl.username", "alice"}};
    const auto with = [&](const std::string& name, const std::string& value) {
        auto all = sasl;
        all[name] = value;
        return read(all);
    };
    const temporary_file good{"secret with spaces \r\nsecond line\n"}, empty{"\n"};
    const auto result = with("sasl.password_file", good.path);
    CHECK(result.errors.empty());
    CHECK(result.value.properties.at("sasl.password") == "secret with spaces ");
    CHECK(result.value.properties.at("sasl.mechanism") == "SCRAM-SHA-512");
    CHECK_FALSE(result.value.properties.contains("sasl.password_file"));

    CHECK(with("sasl.password_file", empty.path).errors.at(0).value == empty.path);
    CHECK(with("sasl.password_file", "/nonexistent").errors.at(0).key ==
          "kafka.sasl.password_file");
    CHECK(with("sasl.password", "").errors.at(0).value == "***");
}

TEST_CASE("TLS gets its CA bundle explicitly", "[kafka]") {
    const temporary_file bundle{"certificates"};
    const properties tls{{"security.protocol", "ssl"}};
    CHECK(read_settings("a", tls, bundle.path).value.properties.at("ssl.ca.location") ==
          bundle.path);
    const temporary_file own{"certificates"};
    CHECK(read_settings("a", {{"security.protocol", "ssl"}, {"ssl.ca.location", own.path}},
                        bundle.path)
              .value.properties.at("ssl.ca.location") == own.path);
    CHECK_FALSE(read_settings("a", {}, bundle.path).value.properties.contains("ssl.ca.location"));
    const auto result = read_settings(
        "a", {{"security.protocol", "ssl"}, {"ssl.key.location", "/nonexistent.pem"}});
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors.front().key == "kafka.ssl.key.location");
    CHECK(result.errors.front().value == "/nonexistent.pem");
}

}  // namespace logagent::kafka::test
