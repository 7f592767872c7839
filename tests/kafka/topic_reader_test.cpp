#include "logagent/kafka/topic_reader.hpp"

#include "cluster.hpp"

namespace logagent::kafka::test {

namespace {

/// A running reader beside a running producer.
struct reading {
    explicit reading(bench& beside, const mock_cluster& cluster) : on{beside} {
        reader = create_topic_reader(on.loop.get_executor(),
                                     read_settings(cluster.addresses(), {}).value, {});
        running.emplace(on.loop, reader->run([this](const stored_record& record) {
            values.emplace_back(record.value);
            keys.emplace_back(record.key);
            offsets.push_back(record.offset);
            stamps.push_back(record.timestamp_ms);
        }));
    }
    void until_read(std::size_t count) {
        on.until([&] { return values.size() >= count; });
    }

    bench& on;
    std::vector<std::string> values, keys;
    std::vector<std::int64_t> offsets, stamps;
    std::unique_ptr<topic_reader> reader;
    std::optional<logagent::test::background> running;  // ends before the reader
};

}  // namespace

TEST_CASE("a topic is read from its beginning, all partitions, and followed", "[kafka]") {
    const mock_cluster::topic topic{"t", 2};
    const mock_cluster cluster{1, std::span{&topic, 1}};
    bench on{cluster.addresses()};
    const auto handle = on.producer->topic("t");
    on.produce(handle, 0, 50);
    on.produce(handle, 1, 50, nullptr, "b");
    on.until_reported(100);

    reading read{on, cluster};
    read.reader->read("t", 2);
    read.until_read(100);
    on.produce(handle, 0, 5, nullptr, "late");
    read.until_read(105);
    auto expected = numbers(50);
    for (auto& more : {numbers(50, "b"), numbers(5, "late")})
        expected.insert(expected.end(), more.begin(), more.end());
    std::sort(expected.begin(), expected.end());
    std::sort(read.values.begin(), read.values.end());
    CHECK(read.values == expected);
    CHECK(read.keys.front().empty());
    CHECK(read.stamps.front() > 1'000'000'000'000);
}

TEST_CASE("a reader goes on where it was after its broker came back", "[kafka]") {
    const mock_cluster::topic topic{"t", 1};
    mock_cluster cluster{1, std::span{&topic, 1}};
    bench on{cluster.addresses()};
    const auto handle = on.producer->topic("t");
    reading read{on, cluster};
    read.reader->read("t", 1);
    on.produce(handle, 0, 20);
    read.until_read(20);
    cluster.set_down(1);
    on.until([&] { return !read.reader->trouble().empty(); });
    cluster.set_up(1);
    on.produce(handle, 0, 20, nullptr, "second");
    read.until_read(40);
    for (std::size_t at = 0; at < read.offsets.size(); ++at)
        CHECK(read.offsets[at] == std::int64_t(at));
}

TEST_CASE("a topic that the cluster cannot make is told with a reason", "[kafka]") {
    const mock_cluster cluster{1};
    bench on{cluster.addresses()};
    reading read{on, cluster};
    // The mock knows no CreateTopics, but makes what it is asked about.
    const auto deadline = clock::now() + 10s;
    const auto made = logagent::test::run(on.loop, read.reader->prepare("asked-for", 3, deadline));
    CHECK(made.partitions > 0);
    const auto refused =
        logagent::test::run(on.loop, read.reader->prepare("no/name", 3, clock::now() + 1s));
    CHECK(refused.partitions == 0);
    CHECK_FALSE(refused.text.empty());
}

}  // namespace logagent::kafka::test
