#include <algorithm>

#include <set>

#include "cluster.hpp"

// What librdkafka makes of the broker's errors. The class of each error, and what is sent again, is
// decided above; this is what those decisions rest on.

namespace logagent::kafka::test {

namespace {

constexpr auto produce = mock_cluster::request::produce;

/// 20 records in batches of 5 (of 1 with the careful producer), of which the first meets an error.
struct fault {
    explicit fault(bool idempotent) : cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}} {
        producer_options options;
        options.idempotent = idempotent;
        test.emplace(cluster.addresses(), options,
                     std::map<std::string, std::string>{{"batch.num.messages", "5"}});
        topic = test->producer->topic("lines");
        const int warm = 1;  // the producer id is there before the error is
        test->produce(topic, 0, warm, nullptr, "warm");
        test->until_reported(warm);
    }

    void meets(error code) {
        before = test->listener.acked;
        test->listener.failures.clear();
        const auto prefix = name(code) + " ";
        cluster.push_errors(produce, code, 1);
        test->produce(topic, 0, 20, nullptr, prefix);
        REQUIRE(test->drain(10s));
        last = numbers(20, prefix);
    }

    std::size_t acked() const { return test->listener.acked - before; }
    const std::vector<reports::failure>& failures() const { return test->listener.failures; }

    mock_cluster cluster;
    std::optional<bench> test;
    topic_handle topic = 0;
    std::size_t before = 0;
    std::vector<std::string> last;
};

constexpr error retried[] = {
    error::corrupt_message,
    error::unknown_topic_or_partition,
    error::leader_not_available,
    error::not_leader,
    error::request_timed_out,
    error::not_enough_replicas,
    error::not_enough_replicas_after_append,
    error::kafka_storage_error,
    error::transport,
};

constexpr error final_for_a_batch[] = {
    error::message_too_large,
    error::record_list_too_large,
    error::invalid_record,
    error::invalid_required_acks,
    error::cluster_authorization_failed,
    error::policy_violation,
    error::throttling_quota_exceeded,
    error::unknown,
    error::invalid_timestamp,
    error::invalid_topic,
};

}  // namespace

TEST_CASE("errors that pass are retried and not reported", "[kafka]") {
    const bool idempotent = GENERATE(true, false);
    fault test{idempotent};
    std::vector<std::string> expected{"warm0"};
    for (const auto code : retried) {
        CAPTURE(idempotent, name(code));
        test.meets(code);
        CHECK(test.acked() == 20);
        CHECK(test.failures().empty());
        expected.insert(expected.end(), test.last.begin(), test.last.end());
    }
    // Not compared in order: the mock does not check sequence numbers, so it stores the batches
    // behind a failed one first, and the careful producer keeps the order of one record at a time
    // only.
    auto values = stored(test.cluster, "lines");
    std::sort(values.begin(), values.end());
    std::sort(expected.begin(), expected.end());
    CHECK(values == expected);
}

TEST_CASE("an error that does not pass fails one batch, and the later ones are stored", "[kafka]") {
    fault test{true};
    for (const auto code : final_for_a_batch) {
        CAPTURE(name(code));
        test.meets(code);
        CHECK(test.acked() == 15);
        REQUIRE(test.failures().size() == 5);
        for (std::size_t i = 0; i < 5; ++i) {
            CHECK(test.failures()[i].code == code);
            CHECK(test.failures()[i].value == test.last[i]);
            CHECK_FALSE(test.failures()[i].possibly_stored);
        }
    }
}

TEST_CASE("with the careful producer an error takes no other record along", "[kafka]") {
    fault test{false};
    for (const auto code : final_for_a_batch) {
        CAPTURE(name(code));
        test.meets(code);
        CHECK(test.acked() == 19);
        REQUIRE(test.failures().size() == 1);
        CHECK(test.failures()[0].value == test.last[0]);
        CHECK(test.failures()[0].code == code);
    }
}

TEST_CASE("a forbidden topic fails what is queued for it until the right is back", "[kafka]") {
    fault test{false};
    test.cluster.topic_error("lines", error::topic_authorization_failed);
    test.meets(error::topic_authorization_failed);
    CHECK(test.acked() == 0);
    REQUIRE(test.failures().size() == 20);
    for (const auto& failure : test.failures())
        CHECK(failure.code == error::topic_authorization_failed);

    const auto refused = test.test->produce(test.topic, 0, 3);
    REQUIRE(refused.refused.size() == 3);
    CHECK(refused.refused[0].code == error::topic_authorization_failed);

    test.cluster.topic_error("lines", error::none);
    test.test->until([&] { return test.test->produce(test.topic, 0, 1).refused.empty(); });
    CHECK(test.test->drain(10s));
}

TEST_CASE("a lost producer id is recovered and a duplicate counts as stored", "[kafka]") {
    fault test{true};
    for (const auto code : {error::unknown_producer_id, error::duplicate_sequence}) {
        CAPTURE(name(code));
        test.meets(code);
        CHECK(test.acked() == 20);
        CHECK(test.failures().empty());
    }
}

TEST_CASE("a sequence that the broker does not expect may or may not be stored", "[kafka]") {
    fault test{false};
    test.meets(error::out_of_order_sequence);
    CHECK(test.acked() == 19);
    REQUIRE(test.failures().size() == 1);
    CHECK(test.failures()[0].possibly_stored);
}

TEST_CASE("a topic that does not exist fails its records after the time that is set", "[kafka]") {
    mock_cluster cluster{1};
    cluster.topic_error("missing", error::unknown_topic_or_partition);
    bench bench{cluster.addresses(), {}, {{"topic.metadata.propagation.max.ms", "100"}}};
    const auto topic = bench.producer->topic("missing");
    bench.until_up();
    bench.produce(topic, 0, 3);
    bench.until_reported(3);
    REQUIRE(bench.listener.failures.size() == 3);
    CHECK((bench.listener.failures[0].code == error::unknown_topic_or_partition ||
           bench.listener.failures[0].code == error::unknown_topic));
    CHECK_FALSE(bench.listener.failures[0].possibly_stored);
    const auto refused = bench.produce(topic, 0, 2);
    REQUIRE(refused.refused.size() == 2);
    CHECK(refused.refused[0].code == error::unknown_topic);
}

TEST_CASE("a partition without a leader holds its records and no others", "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"dead", 1}, {"alive", 1}}};
    cluster.set_leader("dead", 0, -1);
    bench bench{cluster.addresses()};
    const auto dead = bench.producer->topic("dead"), alive = bench.producer->topic("alive");
    bench.until_up();
    CHECK(bench.produce(dead, 0, 5000).accepted == 5000);
    CHECK(bench.produce(alive, 0, 5000).accepted == 5000);
    bench.until_reported(5000);
    CHECK(bench.producer->outstanding() == 5000);
    CHECK(stored(cluster, "alive").size() == 5000);

    cluster.set_leader("dead", 0, 1);
    CHECK(bench.drain(10s));
    CHECK(stored(cluster, "dead") == numbers(5000));
}

TEST_CASE("when a broker is killed its partitions go on at the next leader, in order", "[kafka]") {
    mock_cluster cluster{3, std::vector<mock_cluster::topic>{{"lines", 3}}};
    for (int partition = 0; partition < 3; ++partition)
        cluster.set_leader("lines", partition, partition + 1);
    bench bench{cluster.addresses(), {}, {{"reconnect.backoff.ms", "1"}}};
    const auto topic = bench.producer->topic("lines");
    bench.until_up();
    const auto produce_all = [&](const std::string& prefix) {
        for (int partition = 0; partition < 3; ++partition)
            bench.produce(topic, partition, 200, nullptr, prefix);
    };
    produce_all("before ");
    bench.until_reported(600);
    cluster.set_down(1);
    produce_all("while down ");
    bench.until_reported(1000);  // the other two do not wait
    CHECK(bench.producer->outstanding() == 200);
    cluster.set_leader("lines", 0, 2);
    CHECK(bench.drain(10s));
    CHECK(bench.listener.failures.empty());
    auto expected = numbers(200, "before ");
    for (auto& value : numbers(200, "while down "))
        expected.push_back(std::move(value));
    for (int partition = 0; partition < 3; ++partition)
        CHECK(stored(cluster, "lines", partition) == expected);
}

TEST_CASE("a broker that stays silent is known to be down after its time-out", "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}};
    producer_options options;
    options.socket_timeout = 1s;
    bench bench{cluster.addresses(), options, {{"reconnect.backoff.ms", "1"}}};
    const auto topic = bench.producer->topic("lines");
    bench.produce(topic, 0, 1, nullptr, "before ");
    bench.until_reported(1);
    cluster.set_rtt(1, 20s);
    bench.produce(topic, 0, 100, nullptr, "silence ");
    bench.until([&] { return !bench.producer->state().up; });
    CHECK(bench.producer->outstanding() == 100);
    cluster.set_rtt(1, 0ms);
    CHECK(bench.drain(20s));
    CHECK(bench.listener.failures.empty());
    // This broker stores a repeated request twice; what counts is that nothing is missing.
    const auto values = stored(cluster, "lines");
    const std::set<std::string> found{values.begin(), values.end()};
    CHECK(found.size() == 101);
}

TEST_CASE("every record is stored in order while brokers drop connections", "[kafka]") {
    mock_cluster cluster{3, std::vector<mock_cluster::topic>{{"lines", 1}}};
    bench bench{cluster.addresses(), {}, {{"reconnect.backoff.ms", "1"}}};
    const auto topic = bench.producer->topic("lines");
    bench.until_up();
    for (int round = 0; round < 3; ++round) {
        cluster.push_errors(produce, error::transport, 1);
        bench.produce(topic, 0, 100, nullptr, std::to_string(round) + " ");
        REQUIRE(bench.drain(10s));
    }
    CHECK(bench.listener.acked == 300);
    std::vector<std::string> expected;
    for (int round = 0; round < 3; ++round) {
        const auto part = numbers(100, std::to_string(round) + " ");
        expected.insert(expected.end(), part.begin(), part.end());
    }
    CHECK(stored(cluster, "lines") == expected);
}

}  // namespace logagent::kafka::test
