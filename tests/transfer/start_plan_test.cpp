#include "transfer/start_plan.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

constexpr start_point earliest{};
constexpr start_point latest{start_point::kind::latest, 0};

partition_facts log_of(std::int64_t oldest, std::int64_t newest) {
    partition_facts out;
    out.topic_id = "now";
    out.oldest = oldest;
    out.newest = newest;
    return out;
}

TEST_CASE("a note beside a commit comes back as it was", "[transfer]") {
    const commit_note note{"0123456789abcdefghijkl", "{\"pub\":\"\\u0000\",\"x\":1}"};
    const auto read = read_commit_note(to_text(note));
    CHECK(read.topic_id == note.topic_id);
    CHECK(read.sink == note.sink);
    CHECK(to_text({}) == "{\"v\":1}");
    CHECK(read_commit_note("of somebody else").sink == "of somebody else");
    CHECK(read_commit_note("{\"v\":2}").sink == "{\"v\":2}");
    CHECK(read_commit_note("").topic_id.empty());
}

TEST_CASE("a group goes on where it was", "[transfer]") {
    auto known = log_of(10, 100);
    known.committed = 40;
    known.note = {"now", "of the sink"};
    for (const auto& from : {earliest, latest}) {
        const auto start = choose_start(known, from);
        CHECK(start.next == 40);
        CHECK(start.sink_note == "of the sink");
        CHECK_FALSE(start.chosen);
    }
}

TEST_CASE("what retention took before it was read is told", "[transfer]") {
    auto known = log_of(50, 100);
    known.committed = 40;
    const auto start = choose_start(known, earliest);
    CHECK(start.next == 50);
    CHECK(start.lost == 10);
}

TEST_CASE("a commit of a topic that was deleted means nothing", "[transfer]") {
    auto known = log_of(0, 100);
    known.committed = 40;
    known.note = {"before", "of the sink"};
    for (const auto& from : {earliest, latest}) {
        const auto start = choose_start(known, from);
        CHECK(start.next == 0);
        CHECK(start.sink_note.empty());
        CHECK(start.topic_made_anew);
    }
    known.topic_id.clear();  // the broker tells none
    CHECK(choose_start(known, earliest).next == 40);
}

TEST_CASE("a new group begins where its route says", "[transfer]") {
    auto known = log_of(10, 100);
    CHECK(choose_start(known, earliest).next == 10);
    CHECK(choose_start(known, latest).next == 100);
    CHECK(choose_start(known, latest).chosen);
    const start_point time{start_point::kind::time, 1};
    known.at_time = 70;
    CHECK(choose_start(known, time).next == 70);
    known.at_time = -1;  // no record is so young
    CHECK(choose_start(known, time).next == 100);
}

TEST_CASE("a partition that is added is read from its beginning", "[transfer]") {
    auto known = log_of(0, 100);
    known.group_knows_topic = true;
    CHECK(choose_start(known, latest).next == 0);
}

}  // namespace
}  // namespace logagent::transfer
