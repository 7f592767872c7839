#include "transfer/outbox.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

using namespace std::chrono_literals;

constexpr outbox::time_point now{100s};
constexpr outbox::limits few{3, 1000};

item record_of(lane in, std::int64_t offset, std::string_view value = "0123456789") {
    kafka::consumed_record record;
    record.offset = offset;
    record.value = value;
    return {in, std::move(record)};
}

std::vector<std::int64_t> offsets(const std::optional<batch>& of) {
    std::vector<std::int64_t> made;
    if (of)
        for (const auto& one : of->items)
            made.push_back(one.record.offset);
    return made;
}

using numbers = std::vector<std::int64_t>;

TEST_CASE("records wait until they are enough, or old enough", "[transfer][elastic]") {
    outbox box{1s};
    CHECK(box.next(few) == outbox::time_point::max());
    box.add(record_of(1, 10), now);
    box.add(record_of(1, 11), now + 300ms);
    CHECK_FALSE(box.take(few, now + 500ms));
    CHECK(box.next(few) == now + 1s);
    CHECK(offsets(box.take(few, now + 1s)) == numbers{10, 11});
    for (int at = 0; at < 4; ++at)
        box.add(record_of(1, at), now);
    CHECK(box.next(few) <= now);
    CHECK(offsets(box.take(few, now)) == numbers{0, 1, 2});
    CHECK_FALSE(box.take(few, now));
    CHECK(offsets(box.take(few, now + 1s)) == numbers{3});
    CHECK(box.empty());
}

TEST_CASE("a batch holds one record at least, however large it is", "[transfer][elastic]") {
    outbox box{1s};
    const std::string large(700, 'x');
    const std::string huge(5000, 'x');
    box.add(record_of(1, 0, large), now);
    box.add(record_of(1, 1, large), now);
    box.add(record_of(1, 2, huge), now);
    CHECK(offsets(box.take(few, now)) == numbers{0});
    CHECK(offsets(box.take(few, now)) == numbers{1});
    CHECK(offsets(box.take(few, now)) == numbers{2});
    CHECK(box.empty());
}

TEST_CASE("what is hurried does not wait for more", "[transfer][elastic]") {
    outbox box{1s};
    box.add(record_of(1, 0), now);
    box.hurry();
    CHECK(box.next(few) <= now);
    box.add(record_of(2, 1), now);
    CHECK(offsets(box.take(few, now)) == numbers{0, 1});
    box.add(record_of(2, 2), now);
    CHECK_FALSE(box.take(few, now));
}

TEST_CASE("a batch that goes again does so when it is due, before new records",
          "[transfer][elastic]") {
    outbox box{1s};
    batch again;
    for (int at = 0; at < 5; ++at)
        again.items.push_back(record_of(1, at));
    again.attempts = 4;
    again.due = now + 2s;
    box.again(std::move(again));
    box.add(record_of(1, 9), now);
    CHECK(box.next(few) == now + 1s);
    CHECK(offsets(box.take(few, now + 1s)) == numbers{9});
    CHECK(box.next(few) == now + 2s);
    const auto first = box.take(few, now + 2s);
    CHECK(offsets(first) == numbers{0, 1, 2});
    CHECK(first->attempts == 4);
    const auto rest = box.take(few, now + 2s);
    CHECK(offsets(rest) == numbers{3, 4});
    CHECK(rest->attempts == 4);
    CHECK(box.empty());
}

TEST_CASE("the records of a lane that ended are gone, wherever they waited",
          "[transfer][elastic]") {
    outbox box{1s};
    batch mixed;
    mixed.items.push_back(record_of(1, 0));
    mixed.items.push_back(record_of(2, 1));
    batch single;
    single.items.push_back(record_of(1, 2));
    box.again(std::move(mixed));
    box.again(std::move(single));
    box.add(record_of(1, 3), now);
    box.add(record_of(2, 4), now);
    box.hurry();
    box.drop(1);
    CHECK(offsets(box.take(few, now)) == numbers{1});
    CHECK(offsets(box.take(few, now)) == numbers{4});
    CHECK(box.empty());
    box.add(record_of(1, 5), now);
    box.drop(1);
    CHECK(box.next(few) == outbox::time_point::max());
}

TEST_CASE("one batch that waits for a person is enough", "[transfer][elastic]") {
    outbox box{1s};
    CHECK_FALSE(box.waits_for_person());
    batch waiting;
    waiting.items.push_back(record_of(1, 0));
    waiting.waits_for_person = true;
    box.again(std::move(waiting));
    CHECK(box.waits_for_person());
    const auto taken = box.take(few, now);
    CHECK(taken->waits_for_person);
    CHECK_FALSE(box.waits_for_person());
}

}  // namespace
}  // namespace logagent::transfer
