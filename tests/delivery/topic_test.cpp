#include "logagent/delivery/topic.hpp"

#include <set>

#include "support/test.hpp"

namespace logagent::delivery {
namespace {

using namespace std::chrono_literals;
using kafka::topic_description;

const time_point start{1'000s};

topic_description answer(const std::vector<std::int32_t>& leaders) {
    topic_description made;
    made.topic = "lines";
    for (std::size_t i = 0; i < leaders.size(); ++i)
        made.partitions.push_back({static_cast<std::int32_t>(i), leaders[i], 3, 3});
    return made;
}

topic_description refusal(kafka::error code) {
    topic_description made;
    made.topic = "lines";
    made.code = code;
    return made;
}

struct fixture {
    topic lines{"lines", 1, 2};
};

TEST_CASE_METHOD(fixture, "a topic takes nothing before it was described", "[topic]") {
    CHECK(lines.now() == topic::state::unknown);
    CHECK_FALSE(lines.open());
    CHECK(lines.at(0) == nullptr);
    CHECK(lines.sticky(start, 1) == nullptr);
    CHECK(lines.describe_at() <= start);

    CHECK(lines.described(answer({1, 2, 1}), start));
    CHECK(lines.open());
    CHECK(lines.partitions() == 3);
    REQUIRE(lines.at(2) != nullptr);
    CHECK(lines.at(2)->partition() == 2);
    CHECK(lines.at(2)->has_leader());
    CHECK(lines.at(3) == nullptr);
    CHECK(lines.at(-1) == nullptr);
    CHECK(lines.since() == start);
}

TEST_CASE_METHOD(fixture, "an answer that brings nothing new wakes nobody", "[topic]") {
    lines.described(answer({1, 2}), start);
    CHECK_FALSE(lines.described(answer({1, 2}), start + 1s));
    CHECK_FALSE(lines.described(answer({2, 1}), start + 2s));
}

TEST_CASE_METHOD(fixture, "the record limit stays below what the topic takes", "[topic]") {
    lines.described(answer({1}), start);
    CHECK(lines.record_limit() == 1'000'000);
    auto learned = answer({1});
    learned.max_message_bytes = 2'000'000;
    lines.described(learned, start);
    CHECK(lines.record_limit() == 2'000'000 - 128);
    lines.described(answer({1}), start);  // not learned this time
    CHECK(lines.record_limit() == 2'000'000 - 128);
    learned.max_message_bytes = 0;
    lines.described(learned, start);
    CHECK(lines.record_limit() > 0);
    CHECK(lines.record_limit() <= 128);
}

TEST_CASE_METHOD(fixture, "a topic that is refused is parked, then on probation, then open",
                 "[topic]") {
    lines.described(answer({1}), start);
    lines.park(kafka::error::topic_authorization_failed, start + 1s);
    CHECK(lines.now() == topic::state::parked);
    CHECK_FALSE(lines.open());
    CHECK(lines.reason() == kafka::error::topic_authorization_failed);
    CHECK(lines.since() == start + 1s);
    CHECK(lines.describe_at() <= start + 3s);

    lines.park(kafka::error::policy_violation, start + 2s);
    CHECK(lines.since() == start + 1s);  // since when it takes nothing

    CHECK(lines.described(answer({1}), start + 3s));
    CHECK(lines.now() == topic::state::probation);
    CHECK(lines.open());
    lines.proved();
    CHECK(lines.now() == topic::state::open);
    CHECK(lines.reason() == kafka::error::none);
}

TEST_CASE_METHOD(fixture, "a failure on probation parks again", "[topic]") {
    lines.described(answer({1}), start);
    lines.park(kafka::error::policy_violation, start);
    lines.described(answer({1}), start + 2s);
    lines.park(kafka::error::policy_violation, start + 3s);
    CHECK(lines.now() == topic::state::parked);
    CHECK(lines.since() == start + 3s);
    lines.proved();  // a late report of an earlier run
    CHECK(lines.now() == topic::state::parked);
}

TEST_CASE_METHOD(fixture, "a topic that does not exist is parked and asked for again soon",
                 "[topic]") {
    CHECK_FALSE(lines.described(refusal(kafka::error::unknown_topic_or_partition), start));
    CHECK(lines.now() == topic::state::parked);
    CHECK(lines.describe_at() == start + 2s);
    CHECK_FALSE(lines.described(answer({}), start + 2s));
    CHECK(lines.now() == topic::state::parked);
    CHECK(lines.reason() == kafka::error::unknown_topic_or_partition);
    CHECK(lines.described(answer({1}), start + 4s));
}

TEST_CASE_METHOD(fixture, "brokers that do not answer park nothing", "[topic]") {
    lines.described(answer({1}), start);
    for (const auto code :
         {kafka::error::timed_out, kafka::error::transport, kafka::error::all_brokers_down}) {
        CHECK_FALSE(lines.described(refusal(code), start + 1s));
        CHECK(lines.now() == topic::state::open);
        CHECK(lines.describe_at() == start + 3s);
    }
}

TEST_CASE_METHOD(fixture, "a leader that is lost and comes back wakes the senders", "[topic]") {
    lines.described(answer({1, 2}), start);
    CHECK_FALSE(lines.described(answer({1, -1}), start + 1s));
    CHECK(lines.open());
    CHECK_FALSE(lines.at(1)->has_leader());
    CHECK(lines.at(0)->has_leader());
    CHECK(lines.describe_at() <= start + 3s);
    CHECK(lines.described(answer({1, 3}), start + 3s));
    CHECK(lines.at(1)->has_leader());
    CHECK(lines.describe_at() > start + 30s);
}

TEST_CASE_METHOD(fixture, "partitions that are added keep the lanes there were", "[topic]") {
    lines.described(answer({1, 1}), start);
    lane* const first = lines.at(0);
    first->charge(77);
    std::vector<std::int32_t> many(200, 1);
    CHECK(lines.described(answer(many), start + 1s));
    CHECK(lines.partitions() == 200);
    CHECK(lines.at(0) == first);
    CHECK(first->in_flight() == 77);
    CHECK(lines.at(199)->partition() == 199);
}

TEST_CASE_METHOD(fixture, "an added partition wakes those whose partitions have no leader",
                 "[topic]") {
    lines.described(answer({-1, -1}), start);
    CHECK(lines.sticky(start, 1) == nullptr);
    CHECK(lines.described(answer({-1, -1, 4}), start + 1s));
    REQUIRE(lines.sticky(start + 1s, 1) != nullptr);
    CHECK(lines.sticky(start + 1s, 1)->partition() == 2);
}

TEST_CASE_METHOD(fixture, "partitions of a topic that was made anew smaller are gone", "[topic]") {
    lines.described(answer({1, 1, 1}), start);
    lines.at(2)->charge(10);
    lines.described(answer({1}), start + 1s);
    CHECK(lines.at(0) != nullptr);
    CHECK(lines.at(1) == nullptr);
    for (int i = 0; i < 5; ++i)
        CHECK(lines.sticky(start + i * 1s, 1)->partition() == 0);
}

TEST_CASE_METHOD(fixture, "unordered records stay on a partition for a while, then move on",
                 "[topic]") {
    lines.described(answer({1, 1, 1}), start);
    lane* const first = lines.sticky(start, 100);
    CHECK(lines.sticky(start + 49ms, 100) == first);
    lane* const second = lines.sticky(start + 50ms, 100);
    CHECK(second != first);
    CHECK(lines.sticky(start + 50ms, 600'000) == second);  // fills it
    lane* const third = lines.sticky(start + 50ms, 100);
    CHECK(third != second);
    CHECK(third != first);
}

TEST_CASE_METHOD(fixture, "unordered records skip partitions without a leader", "[topic]") {
    lines.described(answer({1, -1, 1, -1}), start);
    std::set<std::int32_t> used;
    auto now = start;
    for (int i = 0; i < 20; ++i, now += 60ms)
        used.insert(lines.sticky(now, 1)->partition());
    CHECK(used == std::set<std::int32_t>{0, 2});

    lines.described(answer({-1, -1, 1, -1}), now);
    for (int i = 0; i < 5; ++i, now += 60ms)
        CHECK(lines.sticky(now, 1)->partition() == 2);

    lines.described(answer({-1, -1, -1, -1}), now);
    CHECK(lines.sticky(now, 1) == nullptr);

    lines.described(answer({-1, 1, -1, -1}), now);
    CHECK(lines.sticky(now, 1)->partition() == 1);
}

TEST_CASE_METHOD(fixture, "a description can be hastened, never put off", "[topic]") {
    lines.described(answer({1}), start);
    const auto planned = lines.describe_at();
    lines.describe_by(planned + 1s);
    CHECK(lines.describe_at() == planned);
    lines.describe_by(start + 1s);
    CHECK(lines.describe_at() == start + 1s);
}

TEST_CASE("a partition may hold as much of the budget as is still free", "[topic]") {
    budget shared{1000};
    lane stuck{0};
    lane second{1};
    while (stuck.may_send(shared)) {
        stuck.charge(10);
        shared.charge(10);
    }
    CHECK(stuck.in_flight() >= 500);
    CHECK(stuck.in_flight() <= 510);
    CHECK(second.may_send(shared));
    while (second.may_send(shared)) {
        second.charge(10);
        shared.charge(10);
    }
    CHECK(second.in_flight() >= 240);
    CHECK(second.in_flight() <= 260);
    CHECK_FALSE(shared.blocked());  // a third one can send
    stuck.release(400);
    shared.release(400);
    CHECK(stuck.may_send(shared));
}

/// Only hands out topic handles.
struct naming_producer : kafka::producer {
    explicit naming_producer(kafka::topic_handle first) : next{first} {}
    kafka::topic_handle next;
    std::vector<std::string> names;

    void listen(kafka::delivery_listener&) override {}
    kafka::topic_handle topic(std::string_view name) override {
        names.emplace_back(name);
        return next++;
    }
    kafka::produce_result produce(kafka::topic_handle, std::int32_t, std::span<const kafka::record>,
                                  void*) override {
        return {};
    }
    kafka::error produce_with_headers(kafka::topic_handle, std::int32_t, const kafka::record&,
                                      std::span<const kafka::header>, void*) override {
        return kafka::error::queue_full;
    }
    std::size_t outstanding() const override { return 0; }
};

TEST_CASE("a table knows each topic once, with a handle of either producer", "[topic]") {
    naming_producer main{10};
    naming_producer careful{20};
    topic_table table{main, careful};
    CHECK(table.find("a") == nullptr);
    topic& a = table.get("a");
    topic& b = table.get("b");
    CHECK(&table.get("a") == &a);
    CHECK(table.find("b") == &b);
    CHECK(b.main_handle() == 11);
    CHECK(b.careful_handle() == 21);
    CHECK(main.names == std::vector<std::string>{"a", "b"});
    CHECK(table.all().size() == 2);
}

TEST_CASE("a table names the topics to ask about once, and again when no answer came", "[topic]") {
    naming_producer main{0};
    naming_producer careful{0};
    topic_table table{main, careful};
    CHECK(table.next_due() == time_point::max());
    table.get("a");
    table.get("b");
    CHECK(table.next_due() <= start);
    CHECK(table.due(start) == std::vector<std::string>{"a", "b"});
    CHECK(table.due(start).empty());
    table.find("a")->described(answer({1}), start + 1s);
    CHECK(table.next_due() == start + 10s);
    CHECK(table.due(start + 10s) == std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace logagent::delivery
