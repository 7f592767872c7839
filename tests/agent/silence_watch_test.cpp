#include "agent/silence_watch.hpp"

#include "support/test.hpp"
#include "tail/fake_broker.hpp"

using namespace logagent;
using namespace std::chrono_literals;
using agent::silence_watch;

namespace {

const silence_watch::clock::time_point start{1000s};

kafka::broker_state up(std::int32_t id, silence_watch::clock::time_point last_ack = {}) {
    return {id, true, start - 1h, last_ack};
}

/// Looks once a second from `from` to `to` (seconds after the start) and returns when it fired.
struct watched {
    silence_watch watch;
    std::vector<int> fired;

    void look(int from, int to, std::vector<std::int32_t> busy,
              std::vector<kafka::broker_state> brokers) {
        for (int second = from; second <= to; ++second)
            if (watch.look(busy, brokers, start + std::chrono::seconds{second}))
                fired.push_back(second);
    }
};

}  // namespace

TEST_CASE("a connected leader that acknowledges nothing for 120 s is silent", "[silence_watch]") {
    watched test;
    test.look(0, 119, {1}, {up(1)});
    CHECK(test.fired.empty());
    CHECK(test.watch.look(std::vector{1}, std::vector{up(1)}, start + 120s) == 1);
}

TEST_CASE("the client is replaced once in ten minutes", "[silence_watch]") {
    watched test;
    test.look(0, 1500, {1}, {up(1)});
    CHECK(test.fired == std::vector{120, 720, 1320});
}

TEST_CASE("an acknowledgement of any partition shows that a broker is not silent",
          "[silence_watch]") {
    watched test;
    test.look(0, 100, {1}, {up(1)});
    test.look(101, 219, {1}, {up(1, start + 100s)});
    CHECK(test.fired.empty());
    test.look(220, 220, {1}, {up(1, start + 100s)});
    CHECK(test.fired == std::vector{220});
}

TEST_CASE("a leader that is not connected, or not known, is nobody's fault but its own",
          "[silence_watch]") {
    watched test;
    auto down = up(1);
    down.up = false;
    test.look(0, 1000, {1}, {down});
    test.look(1001, 2000, {1}, {});
    CHECK(test.fired.empty());
    // Connected just now: an outage is over, and the two minutes begin.
    auto back = up(1);
    back.since = start + 2001s;
    test.look(2001, 2120, {1}, {back});
    CHECK(test.fired.empty());
    test.look(2121, 2121, {1}, {back});
    CHECK(test.fired == std::vector{2121});
}

TEST_CASE("a broker that has nothing to acknowledge is not silent", "[silence_watch]") {
    watched test;
    test.look(0, 1000, {2}, {up(1), up(2, start + 1000s)});
    test.look(1001, 1100, {1}, {up(1)});
    CHECK(test.fired.empty());
    test.look(1101, 1101, {}, {up(1)});  // all its lines came, or failed
    test.look(1102, 1221, {1}, {up(1)});
    CHECK(test.fired.empty());
}

TEST_CASE("after the process itself stood still the broker gets its time again",
          "[silence_watch]") {
    watched test;
    test.look(0, 10, {1}, {up(1)});
    test.look(400, 519, {1}, {up(1)});
    CHECK(test.fired.empty());
    test.look(520, 520, {1}, {up(1)});
    CHECK(test.fired == std::vector{520});
}

TEST_CASE("only leaders of partitions with lines under way are busy", "[silence_watch]") {
    test::fake_broker cluster;
    test::fake_broker::client main{cluster, false}, careful{cluster, true};
    delivery::topic_table topics{main, careful};
    CHECK(agent::busy_leaders(topics).empty());
    kafka::topic_description answer;
    answer.topic = "t";
    answer.partitions = {{0, 7, 1, 1}, {1, -1, 1, 1}, {2, 3, 1, 1}, {3, 7, 1, 1}};
    auto& topic = topics.get("t");
    topic.described(answer, start);
    CHECK(agent::busy_leaders(topics).empty());
    for (int partition : {0, 1, 3})
        topic.at(partition)->charge(100);
    CHECK(agent::busy_leaders(topics) == std::vector{7});
    topic.at(2)->charge(100);
    CHECK(agent::busy_leaders(topics) == std::vector{3, 7});
}
