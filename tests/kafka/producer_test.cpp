#include "cluster.hpp"
#include "logagent/kafka/topic_name.hpp"

namespace logagent::kafka::test {

namespace {

const std::vector<mock_cluster::topic> one_topic{{"lines", 2}};

}  // namespace

TEST_CASE("records arrive in the order in which they were given", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    const auto topic = bench.producer->topic("lines");
    int batch = 0;

    CHECK(bench.produce(topic, 1, 5000, &batch).accepted == 5000);
    CHECK(bench.producer->outstanding() == 5000);
    bench.until_reported(5000);

    CHECK(bench.listener.acked == 5000);
    CHECK(bench.producer->outstanding() == 0);
    CHECK(stored(cluster, "lines", 1) == numbers(5000));
    CHECK(stored(cluster, "lines", 0).empty());
}

TEST_CASE("a run of records of one batch is reported at once", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses(), {}, {{"linger.ms", "50"}}};
    const auto topic = bench.producer->topic("lines");
    int first = 0, second = 0;
    bench.until_up();
    bench.produce(topic, 0, 100, &first);
    bench.produce(topic, 0, 50, &second);
    bench.produce(topic, 0, 1, &first);
    bench.until_reported(151);

    using run = std::pair<void*, std::uint32_t>;
    CHECK(bench.listener.runs == std::vector<run>{{&first, 100}, {&second, 50}, {&first, 1}});
    CHECK(bench.producer->requests() == 1);
}

TEST_CASE("keys are copied and values are borrowed", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    const auto topic = bench.producer->topic("lines");
    std::string key = "key", value = "value";
    const record record{value.data(), 5, key.data(), 3};
    bench.producer->produce(topic, 0, {&record, 1}, nullptr);
    key = "gone";
    value[0] = 'V';  // not sent yet: nobody has read it
    bench.until_reported(1);
    CHECK(stored(cluster, "lines") == std::vector<std::string>{"Value"});
}

TEST_CASE("an empty line is an empty record, not a null one", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    const auto topic = bench.producer->topic("lines");
    const record record{"", 0};
    CHECK(bench.producer->produce(topic, 0, {&record, 1}, nullptr).refused.empty());
    bench.until_reported(1);
    CHECK(stored(cluster, "lines") == std::vector<std::string>{""});
}

TEST_CASE("a topic has one handle however often it is asked for", "[kafka]") {
    bench bench{"127.0.0.1:1"};
    const auto topic = bench.producer->topic("a");
    CHECK(bench.producer->topic("b") != topic);
    CHECK(bench.producer->topic("a") == topic);
}

TEST_CASE("a record over the client's limit leaves a hole and the others are taken", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    const auto topic = bench.producer->topic("lines");
    const std::string large(105'000'000, 'x');
    const std::array<record, 3> records{record{"a", 1}, record{large.data(), 105'000'000},
                                        record{"b", 1}};
    const auto result = bench.producer->produce(topic, 0, records, nullptr);

    CHECK(result.accepted == 3);
    REQUIRE(result.refused.size() == 1);
    CHECK(result.refused[0].index == 1);
    CHECK(result.refused[0].code == error::message_too_large);
    CHECK(bench.producer->outstanding() == 2);
    bench.until_reported(2);
    CHECK(stored(cluster, "lines") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a record larger than a batch is sent alone", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    producer_options options;
    options.batch_bytes = 1000;
    bench bench{cluster.addresses(), options, {{"compression.type", "none"}}};
    const auto topic = bench.producer->topic("lines");
    const std::string large(200'000, 'x');
    const std::array<record, 3> records{record{"a", 1}, record{large.data(), 200'000},
                                        record{"b", 1}};
    bench.producer->produce(topic, 0, records, nullptr);
    bench.until_reported(3);
    CHECK(bench.listener.acked == 3);
    CHECK(bench.producer->requests() >= 2);
}

TEST_CASE("a name that no topic can have is refused before Kafka sees it", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    for (const auto* name : {"", ".", "..", "bad topic/../x\n", "caf\xc3\xa9"}) {
        CHECK_FALSE(valid_topic_name(name));
        const auto result = bench.produce(bench.producer->topic(name), 0, 2);
        REQUIRE(result.refused.size() == 2);
        CHECK(result.refused[1].index == 1);
        CHECK(result.refused[1].code == error::invalid_topic);
    }
    CHECK_FALSE(valid_topic_name(std::string(250, 'a')));
    CHECK(valid_topic_name(std::string(249, 'a')));
    CHECK(bench.producer->outstanding() == 0);
}

TEST_CASE("a partition that does not exist is refused, or reported when it is not known yet",
          "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    const auto topic = bench.producer->topic("lines");

    CHECK(bench.produce(topic, 7, 2).accepted == 2);  // no metadata yet
    bench.until_reported(2);
    CHECK(bench.listener.failures.at(0).code == error::unknown_partition);
    CHECK_FALSE(bench.listener.failures.at(0).possibly_stored);

    const auto result = bench.produce(topic, 7, 2);
    REQUIRE(result.refused.size() == 2);
    CHECK(result.refused[0].code == error::unknown_partition);
    CHECK(bench.producer->outstanding() == 0);
}

TEST_CASE("headers travel with a record of the careful producer", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    producer_options options;
    options.idempotent = false;
    bench bench{cluster.addresses(), options};
    const auto topic = bench.producer->topic("lines");
    const std::array<header, 2> headers{header{"logagent.reason", "too large"},
                                        header{"logagent.range", "0-5"}};
    int batch = 0;
    const record record{"value", 5, "key", 3};
    CHECK(bench.producer->produce_with_headers(topic, -1, record, headers, &batch) == error::none);
    CHECK(bench.producer->outstanding() == 1);
    bench.until_reported(1);
    CHECK(bench.listener.runs.at(0).first == &batch);
    CHECK(stored(cluster, "lines", 0).size() + stored(cluster, "lines", 1).size() == 1);
    CHECK(bench.producer->produce_with_headers(bench.producer->topic("/"), 0, record, headers,
                                               &batch) == error::invalid_topic);
}

TEST_CASE("more records than fit into one call are taken in order", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    const auto topic = bench.producer->topic("lines");
    bench.until_up();
    CHECK(bench.produce(topic, 0, 10'000).accepted == 10'000);
    CHECK(bench.drain(10s));
    CHECK(stored(cluster, "lines") == numbers(10'000));
}

TEST_CASE("drain ends at its deadline when no broker answers", "[kafka]") {
    bench bench{"127.0.0.1:1"};
    bench.produce(bench.producer->topic("lines"), 0, 10);
    const auto begin = clock::now();
    CHECK_FALSE(bench.drain(300ms));
    CHECK(clock::now() - begin < 1s);
    CHECK(bench.producer->outstanding() == 10);
    CHECK_FALSE(bench.producer->state().up);
    CHECK_FALSE(bench.producer->state().text.empty());
}

TEST_CASE("drain serves the reports itself after run has been stopped", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    const auto topic = bench.producer->topic("lines");
    bench.until_up();
    bench.running->stop();
    bench.produce(topic, 0, 100);
    CHECK(bench.drain(10s));
    CHECK(bench.listener.acked == 100);
}

TEST_CASE("a producer with 1000 records outstanding and no broker is destroyed at once",
          "[kafka]") {
    bench bench{"127.0.0.1:1"};
    bench.produce(bench.producer->topic("lines"), 0, 1000);
    CHECK_FALSE(bench.drain(200ms));
    bench.running.reset();
    const auto begin = clock::now();
    bench.producer.reset();
    CHECK(clock::now() - begin < 500ms);
}

TEST_CASE("records given while all brokers are down arrive when they are up", "[kafka]") {
    mock_cluster cluster{2, one_topic};
    cluster.set_down(1);
    cluster.set_down(2);
    bench bench{cluster.addresses()};
    bench.produce(bench.producer->topic("lines"), 0, 100);
    CHECK_FALSE(bench.drain(300ms));
    CHECK_FALSE(bench.producer->state().up);

    cluster.set_up(1);
    cluster.set_up(2);
    CHECK(bench.drain(10s));
    CHECK(bench.listener.acked == 100);
    CHECK(bench.producer->state().up);
    CHECK(bench.producer->state().text.empty());
    CHECK(stored(cluster, "lines") == numbers(100));
}

TEST_CASE("the state tells when the brokers go and come", "[kafka]") {
    mock_cluster cluster{1, one_topic};
    bench bench{cluster.addresses()};
    bench.producer->topic("lines");
    bench.until_up();
    bench.until([&] { return !bench.producer->brokers().empty(); });
    CHECK(bench.producer->brokers().at(0).id == 1);

    cluster.set_down(1);
    bench.until([&] { return !bench.producer->state().up; });
    CHECK_FALSE(bench.producer->brokers().at(0).up);
    CHECK_FALSE(bench.producer->state().text.empty());
    bench.until([&] {  // the next attempt to connect says more
        return bench.producer->state().text.find("127.0.0.1") != std::string::npos;
    });

    cluster.set_up(1);
    bench.until_up();
}

}  // namespace logagent::kafka::test
