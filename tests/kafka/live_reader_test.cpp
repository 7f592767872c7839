#include "logagent/kafka/live_reader.hpp"

#include "cluster.hpp"

namespace logagent::kafka::test {

namespace {

/// A running reader beside a running producer.
struct following {
    following(bench& beside, const mock_cluster& cluster) : on{beside} {
        reader = create_live_reader(on.loop.get_executor(),
                                    read_settings(cluster.addresses(), {}).value, {});
        running.emplace(
            on.loop, reader->run([this](std::string_view topic, const stored_record& record) {
                values.push_back(std::string{topic} + "/" + std::to_string(record.partition) + ":" +
                                 std::string{record.value});
            }));
    }
    void until_read(std::size_t count) {
        on.until([&] { return values.size() >= count; });
    }
    /// A partition is at its end before anything is written to it: one record shows it.
    void until_following(topic_handle topic, int partition) {
        const auto before = values.size();
        const auto next = clock::now() + 20s;
        while (values.size() == before && clock::now() < next) {
            on.produce(topic, partition, 1, nullptr, "probe");
            const auto soon = clock::now() + 50ms;
            on.until([&] { return clock::now() > soon; });
        }
        const auto quiet = on.listener.total();
        on.until([&] { return on.producer->outstanding() == 0 && on.listener.total() >= quiet; });
        const auto settled = clock::now() + 500ms;
        on.until([&] { return clock::now() > settled; });
        values.clear();
    }

    bench& on;
    std::vector<std::string> values;
    std::unique_ptr<live_reader> reader;
    std::optional<logagent::test::background> running;  // ends before the reader
};

}  // namespace

TEST_CASE("partitions are followed from their ends, and only those that are wanted", "[kafka]") {
    const mock_cluster::topic topics[] = {{"a", 2}, {"b", 1}};
    const mock_cluster cluster{1, topics};
    bench on{cluster.addresses()};
    const auto a = on.producer->topic("a");
    const auto b = on.producer->topic("b");
    on.produce(a, 0, 10, nullptr, "old");
    on.until_reported(10);

    following read{on, cluster};
    read.reader->follow({{"a", 0}});
    read.until_following(a, 0);
    on.produce(a, 1, 5, nullptr, "other");
    on.produce(a, 0, 2, nullptr, "new");
    read.until_read(2);
    CHECK(read.values == std::vector<std::string>{"a/0:new0", "a/0:new1"});

    read.reader->follow({{"b", 0}});
    read.until_following(b, 0);
    on.produce(a, 0, 5, nullptr, "late");
    on.produce(b, 0, 1, nullptr, "b");
    read.until_read(1);
    CHECK(read.values == std::vector<std::string>{"b/0:b0"});
}

TEST_CASE("a live reader knows how many partitions there are", "[kafka]") {
    const mock_cluster::topic topic{"a", 3};
    const mock_cluster cluster{1, std::span{&topic, 1}};
    bench on{cluster.addresses()};
    following read{on, cluster};
    const auto answers = logagent::test::run(
        on.loop, read.reader->count_partitions(std::vector<std::string>{"a"}, clock::now() + 10s));
    REQUIRE(answers.size() == 1);
    CHECK(answers.front().code == error::none);
    CHECK(answers.front().partitions == 3);
}

TEST_CASE("a live reader without brokers says why it reads nothing", "[kafka]") {
    mock_cluster cluster{1};
    bench on{cluster.addresses()};
    cluster.set_down(1);
    following read{on, cluster};
    read.reader->follow({{"a", 0}});
    std::string trouble;
    on.until([&] {
        auto said = read.reader->take_trouble();
        if (!said.empty()) trouble = std::move(said);
        return !trouble.empty();
    });
    CHECK(read.values.empty());
}

}  // namespace logagent::kafka::test
