#include "logagent/kafka/group_consumer.hpp"

#include "cluster.hpp"

namespace logagent::kafka::test {

namespace {

/// A member that begins where the group was, and gives up at once what it has to.
struct member final : group_listener {
    member(bench& beside, const mock_cluster& cluster, std::string group = "g") : on{beside} {
        group_options options;
        options.group = std::move(group);
        consumer = create_group_consumer(on.loop.get_executor(),
                                         read_settings(cluster.addresses(), {}).value, options);
        running.emplace(on.loop, consumer->run({"t"}, *this));
    }
    ~member() override {
        records.clear();
        running->stop();
    }

    void assigned(const std::vector<partition_name>& partitions) override {
        waiting.insert(waiting.end(), partitions.begin(), partitions.end());
    }
    void revoked(const std::vector<partition_name>& partitions, bool lost) override {
        revocations += lost ? 0 : 1;
        for (const auto& each : partitions)
            std::erase(mine, each);
        consumer->release(partitions);
    }
    void took(consumed_record record) override { records.push_back(std::move(record)); }
    void complaint(error, std::string_view) override {}

    std::vector<committed_offset> committed() {
        return logagent::test::run(on.loop, consumer->committed(waiting, clock::now() + 10s));
    }
    /// Starts what was assigned, at the group's position or the beginning.
    void start() {
        std::vector<group_consumer::position> at;
        for (const auto& each : committed())
            at.push_back({each.partition, each.offset < 0 ? -2 : each.offset, {}});
        mine.insert(mine.end(), waiting.begin(), waiting.end());
        waiting.clear();
        consumer->start(at);
    }
    std::vector<std::string> values() const {
        std::vector<std::string> all;
        for (const auto& each : records)
            all.emplace_back(each.value);
        std::sort(all.begin(), all.end());
        return all;
    }

    bench& on;
    std::vector<partition_name> waiting, mine;
    std::vector<consumed_record> records;
    int revocations = 0;
    std::unique_ptr<group_consumer> consumer;
    std::optional<logagent::test::background> running;
};

constexpr mock_cluster::topic two{"t", 2};

}  // namespace

// What needs a second member or a group that comes back is tested against a real broker: the mock
// completes only the first join of a group.

TEST_CASE("a member commits with metadata, reads that back, and leaves", "[kafka]") {
    const mock_cluster cluster{1, std::span{&two, 1}};
    bench on{cluster.addresses()};
    const auto handle = on.producer->topic("t");
    on.produce(handle, 0, 20);
    on.produce(handle, 1, 20, nullptr, "b");
    on.until_reported(40);
    member only{on, cluster};
    on.until([&] { return only.waiting.size() == 2; });
    const auto assigned = only.waiting;
    for (const auto& each : only.committed())
        CHECK(each.offset == -1);
    only.start();
    on.until([&] { return only.records.size() == 40; });
    const auto done = logagent::test::run(
        on.loop, only.consumer->commit({{{"t", 0}, 15, "so far"}}, clock::now() + 10s));
    REQUIRE(done.size() == 1);
    CHECK(done[0].code == error::none);
    only.waiting = assigned;
    const auto found = only.committed();
    REQUIRE(found.size() == 2);
    for (const auto& each : found) {
        CHECK(each.code == error::none);
        CHECK(each.offset == (each.partition.number == 0 ? 15 : -1));
        CHECK(each.metadata == (each.partition.number == 0 ? "so far" : ""));
    }
    only.records.clear();
    logagent::test::run(on.loop, only.consumer->close(clock::now() + 10s));
    CHECK(only.revocations == 1);
    CHECK(only.mine.empty());
}

TEST_CASE("reading begins at the offset that was named", "[kafka]") {
    const mock_cluster cluster{1, std::span{&two, 1}};
    bench on{cluster.addresses()};
    on.produce(on.producer->topic("t"), 0, 20);
    on.until_reported(20);
    member only{on, cluster};
    on.until([&] { return only.waiting.size() == 2; });
    only.consumer->start({{{"t", 0}, 15, {}}, {{"t", 1}, 0, {}}});
    on.until([&] { return only.records.size() == 5; });
    CHECK(only.records.front().offset == 15);
    CHECK(only.records.front().topic == "t");
    CHECK(only.records.front().timestamp_ms > 1'000'000'000'000);
}

TEST_CASE("a paused partition waits, others flow, and it goes on where it was", "[kafka]") {
    const mock_cluster cluster{1, std::span{&two, 1}};
    bench on{cluster.addresses()};
    const auto handle = on.producer->topic("t");
    member only{on, cluster};
    on.until([&] { return only.waiting.size() == 2; });
    only.start();
    on.produce(handle, 0, 5);
    on.until([&] { return only.records.size() == 5; });
    only.consumer->pause({"t", 0});
    on.produce(handle, 0, 5, nullptr, "paused");
    on.produce(handle, 1, 5, nullptr, "flows");
    on.until([&] { return only.records.size() >= 10; });
    for (std::size_t at = 5; at < only.records.size(); ++at)
        CHECK(only.records[at].partition == 1);
    only.consumer->resume({"t", 0});
    on.until([&] { return only.records.size() == 15; });
    auto expected = numbers(5);
    for (auto& more : {numbers(5, "flows"), numbers(5, "paused")})
        expected.insert(expected.end(), more.begin(), more.end());
    std::sort(expected.begin(), expected.end());
    CHECK(only.values() == expected);
}

}  // namespace logagent::kafka::test
