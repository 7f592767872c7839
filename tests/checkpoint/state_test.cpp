#include "logagent/checkpoint/state.hpp"

#include <set>

#include "logagent/checkpoint/memory_store.hpp"
#include "support/test.hpp"

using namespace logagent::checkpoint;

TEST_CASE("the text of a generation id is base64url of its bits", "[state]") {
    generation_id id;
    CHECK(id.text() == "AAAAAAAAAAAAAAAAAAAAAA");
    id.bits.fill(0xFF);
    CHECK(id.text() == "_____________________w");
    // 00 01 .. 0f
    for (std::uint8_t i = 0; i < 16; ++i)
        id.bits[i] = i;
    CHECK(id.text() == "AAECAwQFBgcICQoLDA0ODw");
}

TEST_CASE("a generation id comes back from its text and from no other", "[state]") {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto id = generation_id::random();
        const auto text = id.text();
        REQUIRE(text.size() == 22);
        generation_id parsed;
        REQUIRE(generation_id::parse(text, parsed));
        CHECK(parsed == id);
        seen.insert(text);
    }
    CHECK(seen.size() == 100);

    generation_id kept;
    kept.bits[3] = 7;
    auto out = kept;
    for (const auto* wrong : {"", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA",
                              "AAAAAAAAAAAAAAAAAAAA+A", "AAAAAAAAAAAAAAAAAAAAAB"}) {
        CAPTURE(wrong);
        CHECK_FALSE(generation_id::parse(wrong, out));
    }
    CHECK(out == kept);
}

TEST_CASE("losses of one kind that follow each other are one record", "[state]") {
    memory_store store;
    const auto one = generation_id::random();
    const loss_record cut{0, one, "/a", "t", byte_class::cut, {0, 100}, 10, 1, "too long"};
    store.note(cut);
    auto next = cut;
    next.where = {300, 400};
    next.bytes = 5;
    next.at_ms = 2;
    store.note(next);
    auto other = next;
    other.reason = "something else";
    store.note(other);
    const auto& losses = store.state().losses;
    REQUIRE(losses.size() == 2);
    CHECK(losses.at(1).where == range{0, 400});
    CHECK(losses.at(1).bytes == 15);
    CHECK(losses.at(1).at_ms == 2);
    CHECK(losses.at(2).bytes == 5);
    CHECK(losses.at(2).number == 2);
}

TEST_CASE("removing a generation takes its positions along and keeps their counts", "[state]") {
    memory_store store;
    const auto one = generation_id::random();
    const auto two = generation_id::random();
    const auto position = [](const generation_id& id, const char* topic, std::uint64_t acked) {
        position_record record;
        record.generation = id;
        record.topic = topic;
        record.counts[static_cast<std::size_t>(byte_class::acked)] = acked;
        return record;
    };
    store.put(generation_record{one, "/a", {}, 1});
    store.put(generation_record{two, "/b", {}, 1});
    store.put(position(one, "t", 10));
    store.put(position(one, "u", 5));
    store.put(position(two, "t", 100));
    store.put(position(one, "t", 20));  // in the place of the first
    store.remove(one);
    store.remove(one);
    CHECK(store.state().retired[static_cast<std::size_t>(byte_class::acked)] == 25);
    CHECK(store.state().generations.size() == 1);
    CHECK(store.state().positions.size() == 1);
    CHECK(store.state().positions.begin()->first.first == two);
}
