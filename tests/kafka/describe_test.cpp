#include "cluster.hpp"

#include <algorithm>

namespace logagent::kafka::test {

namespace {

producer_options careful() {
    producer_options options;
    options.idempotent = false;
    return options;
}

/// Whether librdkafka was asked to describe topics; needs its debugging of admin requests.
bool asked(const std::vector<std::string>& logged) {
    return std::any_of(logged.begin(), logged.end(), [](const std::string& text) {
        return text.find("DESCRIBETOPICS worker") != std::string::npos;
    });
}

}  // namespace

TEST_CASE("a topic is described with its partitions, leaders and replicas", "[kafka]") {
    mock_cluster cluster{3, std::vector<mock_cluster::topic>{{"lines", 4}, {"other", 1}}};
    cluster.set_leader("lines", 2, -1);
    bench bench{cluster.addresses(), careful()};
    const auto topics = bench.describe({"other", "lines"}, 10s);

    REQUIRE(topics.size() == 2);
    CHECK(topics[0].topic == "other");
    CHECK(topics[1].topic == "lines");
    CHECK(topics[1].code == error::none);
    REQUIRE(topics[1].partitions.size() == 4);
    for (int id = 0; id < 4; ++id) {
        const auto& partition = topics[1].partitions[static_cast<std::size_t>(id)];
        CHECK(partition.id == id);
        CHECK(partition.replicas == 3);
        if (id == 2)
            CHECK(partition.leader == -1);
        else
            CHECK((partition.leader >= 1 && partition.leader <= 3));
    }
    CHECK_FALSE(topics[1].max_message_bytes);  // the mock does not know DescribeConfigs
}

TEST_CASE("unknown, forbidden and impossible topics have their codes", "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}, {"secret", 1}}};
    cluster.topic_error("secret", error::topic_authorization_failed);
    bench bench{cluster.addresses(), careful()};
    const auto topics =
        bench.describe({"missing", "secret", "lines", "bad/name", "", "lines"}, 10s);

    REQUIRE(topics.size() == 6);
    CHECK(topics[0].code == error::unknown_topic_or_partition);
    CHECK(topics[0].partitions.empty());
    CHECK(topics[1].code == error::topic_authorization_failed);
    CHECK(topics[2].code == error::none);
    CHECK(topics[3].code == error::invalid_topic);
    CHECK(topics[4].code == error::invalid_topic);
    CHECK(topics[5].partitions.size() == 1);
}

TEST_CASE("asking for a topic does not make it", "[kafka]") {
    mock_cluster cluster{1};
    bench bench{cluster.addresses(), careful()};
    CHECK(bench.describe({"missing"}, 10s).at(0).code == error::unknown_topic_or_partition);
    CHECK(bench.describe({"missing"}, 10s).at(0).code == error::unknown_topic_or_partition);
}

TEST_CASE("what nobody answers has timed out at the deadline", "[kafka]") {
    bench bench{"127.0.0.1:1", careful()};
    const auto begin = clock::now();
    const auto topics = bench.describe({"lines"}, 300ms);
    CHECK(topics.at(0).code == error::timed_out);
    CHECK(clock::now() - begin < 1500ms);
    CHECK(bench.describe({"lines"}, 0ms).at(0).code == error::timed_out);
    CHECK(bench.describe({}, 1s).empty());
}

TEST_CASE("nothing is asked of a client that is not connected", "[kafka]") {
    // It would connect again without a pause as long as the question waits.
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}};
    bench up{cluster.addresses(), careful(), {}, "admin"};
    CHECK(up.describe({"lines"}, 10s).at(0).code == error::none);
    CHECK(asked(up.logged));
    bench down{"127.0.0.1:1", careful(), {}, "admin"};
    CHECK(down.describe({"lines"}, 300ms).at(0).code == error::timed_out);
    CHECK_FALSE(asked(down.logged));
}

TEST_CASE("a description that comes too late goes to nobody", "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}};
    bench bench{cluster.addresses(), careful()};
    CHECK(bench.describe({"lines"}, 10s).at(0).code == error::none);
    cluster.set_rtt(1, 300ms);
    CHECK(bench.describe({"lines"}, 50ms).at(0).code == error::timed_out);
    cluster.set_rtt(1, 0ms);
    CHECK(bench.describe({"lines"}, 10s).at(0).code == error::none);
}

TEST_CASE("records and descriptions share a connection", "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}};
    bench bench{cluster.addresses(), careful()};
    bench.produce(bench.producer->topic("lines"), 0, 100);
    CHECK(bench.describe({"lines"}, 10s).at(0).partitions.size() == 1);
    CHECK(bench.drain(10s));
    CHECK(bench.listener.acked == 100);
}

}  // namespace logagent::kafka::test
