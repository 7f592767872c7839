#include "transfer/lane_book.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

using namespace std::chrono_literals;
using verdict = lane_book::verdict;

constexpr time_point now{100s};

std::string key(int start, int end) {
    return "[\"AAAAAAAAAAAAAAAAAAAAAA\"," + std::to_string(start) + "," + std::to_string(end) + "]";
}

lane_state first_lane(lane number, std::int64_t next, bool in_runs = false) {
    lane_state out;
    out.number = number;
    out.partition = {"t", static_cast<std::int32_t>(number)};
    out.next = next;
    out.filter = resend_filter{100};
    out.acks = ack_tracker{next, in_runs};
    return out;
}

TEST_CASE("records before the position only rebuild the filter", "[transfer]") {
    lane_book book;
    auto& lane = book.begin(first_lane(1, 5));
    CHECK(book.took(lane, 3, key(0, 10), 1, false, now) == verdict::old);
    CHECK(book.took(lane, 4, key(10, 20), 1, false, now) == verdict::old);
    CHECK(lane.acks.pending() == 0);
    CHECK(book.took(lane, 5, key(20, 30), 1, false, now) == verdict::fresh);
    CHECK(book.took(lane, 6, key(10, 20), 1, false, now) == verdict::repeated);
    CHECK(lane.acks.committable() == 5);
    lane.acks.settled(5);
    CHECK(lane.acks.committable() == 7);  // with the one that was dropped
}

TEST_CASE("an offset that was seen is no new record", "[transfer]") {
    lane_book book;
    auto& lane = book.begin(first_lane(1, 0));
    CHECK(book.took(lane, 0, "", 1, false, now) == verdict::fresh);
    CHECK(book.took(lane, 0, "", 1, false, now) == verdict::back);
    CHECK(lane.acks.pending() == 1);
}

TEST_CASE("a lane that is closed takes nothing", "[transfer]") {
    lane_book book;
    auto& lane = book.begin(first_lane(1, 0));
    lane.open = false;
    CHECK(book.took(lane, 0, "", 1, false, now) == verdict::closed);
    CHECK(lane.acks.received_to() == 0);
}

TEST_CASE("lanes are found by number and by partition, and are gone when they end", "[transfer]") {
    lane_book book;
    for (const lane number : {1u, 2u, 5u})
        book.begin(first_lane(number, 0));
    REQUIRE(book.find("t", 2));
    CHECK(book.find("t", 2)->number == 2);
    CHECK(book.find(5)->partition.number == 5);
    CHECK_FALSE(book.find(3));
    CHECK_FALSE(book.find("u", 2));
    book.end(2);
    CHECK_FALSE(book.find("t", 2));
    CHECK_FALSE(book.find(2));
    CHECK(book.numbers() == std::vector<lane>{1, 5});
}

TEST_CASE("what is settled by offset needs no memory for each record", "[transfer]") {
    ack_tracker acks{0, true};
    for (std::int64_t offset = 0; offset < 10; ++offset)
        acks.received(offset, 2, now);
    acks.received(10, 2, now + 2s);
    CHECK(acks.pending() == 11);
    acks.settled_to(5);  // in the middle of a run, which stays as a whole
    CHECK(acks.pending() == 11);
    CHECK(acks.committable() == 5);
    acks.settled_to(10);
    CHECK(acks.pending() == 1);
    CHECK(acks.pending_bytes() == 2);
    CHECK(acks.oldest() == now + 2s);
    acks.passed(11);
    acks.settled_to(20);
    CHECK(acks.pending() == 0);
    CHECK(acks.committable() == 12);
}

TEST_CASE("memory is given back by whoever holds a record last", "[transfer]") {
    byte_account account;
    int told = 0;
    account.freed = [&] { ++told; };
    {
        held_bytes first{account, 10};
        held_bytes second{account, 5};
        CHECK(account.held == 15);
        first = std::move(second);  // what it held goes with the other
        CHECK(account.held == 15);
    }
    CHECK(account.held == 0);
    CHECK(told == 2);
}

}  // namespace
}  // namespace logagent::transfer
