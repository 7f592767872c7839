#include "cluster.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace logagent::kafka::test {

namespace {

const std::vector<mock_cluster::topic> one_topic{{"lines", 1}};

producer_options quick() {
    producer_options options;
    options.socket_timeout = 1s;
    options.first_backoff = 50ms;
    return options;
}

}  // namespace

TEST_CASE("after a fatal error a new client takes over and topics keep their handles", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses(), quick()};
    const auto topic = bench.producer->topic("lines");
    bench.produce(topic, 0, 10, nullptr, "a");
    bench.until_reported(10);

    rd_kafka_test_fatal_error(bench.producer->client(),
                              RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "made by the test");
    CHECK(bench.produce(topic, 0, 10, nullptr, "lost").accepted == 0);
    bench.until([&] { return bench.listener.abandonments == 1; });
    CHECK(bench.producer->outstanding() == 0);
    CHECK(bench.producer->state().last_fatal_code == error::out_of_order_sequence);
    CHECK(bench.producer->state().last_fatal.find("made by the test") != std::string::npos);

    bench.until([&] { return bench.produce(topic, 0, 1, nullptr, "b").accepted == 1; });
    CHECK(bench.drain(10s));
    CHECK(bench.producer->state().rebuilds == 1);
    auto expected = numbers(10, "a");
    expected.push_back("b0");
    CHECK(stored(cluster, "lines") == expected);
}

TEST_CASE("a fatal error of the protocol fails what is queued and rebuilds", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses(), quick(), {{"batch.num.messages", "5"}}};
    const auto topic = bench.producer->topic("lines");
    bench.produce(topic, 0, 1);
    bench.until_reported(1);
    cluster.push_errors(mock_cluster::request::produce, error::out_of_order_sequence, 1);
    bench.produce(topic, 0, 100);
    bench.until([&] { return bench.listener.abandonments == 1; });

    CHECK(bench.listener.total() == 101);  // all were reported before the client went
    // Which of them is reported first is not ours to say: the purge runs in another thread than the
    // answer of the broker.
    std::size_t refused = 0, purged = 0;
    for (const auto& one : bench.listener.failures) {
        if (one.code == error::out_of_order_sequence) {
            CHECK(one.possibly_stored);
            ++refused;
        }
        purged += one.code == error::purge_queue;
    }
    CHECK(refused >= 1);
    CHECK(purged >= 1);
    CHECK(refused + purged == 100);
    bench.until([&] { return bench.produce(topic, 0, 1).accepted == 1; });
    CHECK(bench.drain(10s));
}

TEST_CASE("a rebuild waits for a silent broker no longer than its time-out and a second",
          "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses(), quick()};
    const auto topic = bench.producer->topic("lines");
    bench.produce(topic, 0, 1);
    bench.until_reported(1);
    cluster.set_rtt(1, 30s);
    bench.produce(topic, 0, 100);
    CHECK_FALSE(bench.drain(100ms));

    const auto begin = clock::now();
    bench.producer->request_rebuild("broker 1 is silent");
    CHECK(bench.produce(topic, 0, 1).accepted == 0);
    CHECK(bench.producer->state().text.find("broker 1 is silent") != std::string::npos);
    bench.until([&] { return bench.listener.abandonments == 1; });
    CHECK(clock::now() - begin < 3s);
    CHECK(bench.producer->state().last_fatal_code == error::none);

    cluster.set_rtt(1, 0ms);
    bench.until([&] { return bench.produce(topic, 0, 1).accepted == 1; });
    CHECK(bench.drain(10s));
}

TEST_CASE("a client that is replaced while all brokers are down fails no record silently",
          "[kafka]") {
    bench bench{"127.0.0.1:1", quick()};
    const auto topic = bench.producer->topic("lines");
    bench.produce(topic, 0, 50);
    bench.producer->request_rebuild("test");
    bench.until([&] { return bench.listener.abandonments == 1; });
    // What was never sent is told one by one; the rest is what abandoned() stands for.
    CHECK(bench.listener.failures.size() + bench.producer->outstanding() <= 50);
    CHECK(bench.producer->outstanding() == 0);
    CHECK(bench.listener.acked == 0);
}

TEST_CASE("smaller batches come with the next client and lose nothing on the way", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses(), quick(), {{"compression.type", "none"}}};
    const auto topic = bench.producer->topic("lines");
    bench.until_up();
    bench.produce(topic, 0, 1000);
    bench.producer->limit_batch_bytes(2'000'000);  // not lower: nothing happens
    CHECK(bench.produce(topic, 0, 1).accepted == 1);
    bench.producer->limit_batch_bytes(1000);
    bench.until([&] { return bench.listener.abandonments == 1; });
    CHECK(bench.listener.acked == 1001);
    CHECK(bench.listener.failures.empty());

    bench.until([&] { return bench.producer->state().rebuilds == 1; });
    const auto before = bench.producer->requests();
    CHECK(bench.produce(topic, 0, 1000).accepted == 1000);
    CHECK(bench.drain(10s));
    CHECK(bench.producer->requests() - before > 5);  // about 10 KB in batches of 1000 bytes
}

TEST_CASE("one topic that takes nothing at all does not stop the client for the others",
          "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses(), quick()};
    const auto topic = bench.producer->topic("lines");
    bench.until_up();
    bench.producer->limit_batch_bytes(0);  // max.message.bytes = 0 is allowed in Kafka
    bench.until([&] { return bench.producer->state().rebuilds == 1; });
    CHECK(bench.produce(topic, 0, 100).accepted == 100);
    CHECK(bench.drain(10s));
    CHECK(bench.listener.acked == 100);
}

TEST_CASE("a description asked for during a rebuild is answered by the new client", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses(), quick()};
    bench.until_up();
    bench.producer->request_rebuild("test");
    const auto topics = bench.describe({"lines"}, 10s);
    REQUIRE(topics.size() == 1);
    CHECK((topics[0].code == error::none || topics[0].code == error::timed_out));
    const auto again = bench.describe({"lines"}, 10s);
    CHECK(again.at(0).partitions.size() == 1);
}

TEST_CASE("settings that librdkafka refuses are an exception with its words", "[kafka]") {
#ifdef __SANITIZE_ADDRESS__
    // rd_kafka_new() loses the 161 bytes of its list of interceptors when it fails.
    const __lsan::ScopedDisabler librdkafka;
#endif
    boost::asio::io_context loop;
    settings settings;
    settings.brokers = "127.0.0.1:1";
    settings.properties["security.protocol"] = "ssl";
    settings.properties["ssl.ca.location"] = "/nonexistent.pem";
    CHECK_THROWS_WITH(create_producer(loop.get_executor(), settings, {}),
                      Catch::Matchers::Contains("ssl.ca.location"));
    settings.properties["ssl.ca.location"] = "probe";
    settings.properties["linger.ms"] = "x";
    CHECK_THROWS_WITH(create_producer(loop.get_executor(), settings, {}),
                      Catch::Matchers::Contains("linger.ms"));
}

}  // namespace logagent::kafka::test
