#include "logagent/transfer/ack_tracker.hpp"

#include <rapidcheck.h>
#include <map>

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

using namespace std::chrono_literals;

constexpr time_point now{100s};

TEST_CASE("nothing beyond a hole is committed", "[transfer]") {
    ack_tracker tracker{10};
    for (const std::int64_t offset : {10, 11, 12})
        CHECK(tracker.received(offset, 5, now));
    CHECK(tracker.settled(12));
    CHECK(tracker.settled(11));
    CHECK(tracker.committable() == 10);
    CHECK(tracker.pending() == 1);
    CHECK(tracker.pending_bytes() == 5);
    CHECK(tracker.settled(10));
    CHECK(tracker.committable() == 13);
    CHECK(tracker.oldest() == time_point::max());
}

TEST_CASE("offsets that were never delivered hold nothing up", "[transfer]") {
    ack_tracker tracker{0};
    tracker.received(3, 1, now);
    tracker.received(7, 1, now + 1s);
    CHECK(tracker.committable() == 3);
    CHECK(tracker.oldest() == now);
    tracker.settled(3);
    CHECK(tracker.committable() == 7);
    CHECK(tracker.oldest() == now + 1s);
}

TEST_CASE("what is unknown, old or settled twice changes nothing", "[transfer]") {
    ack_tracker tracker{5};
    CHECK_FALSE(tracker.received(4, 1, now));
    tracker.received(5, 1, now);
    tracker.received(6, 1, now);
    CHECK_FALSE(tracker.received(6, 1, now));
    CHECK(tracker.settled(6));
    CHECK_FALSE(tracker.settled(6));
    CHECK_FALSE(tracker.settled(9));
    CHECK(tracker.committable() == 5);
    CHECK(tracker.pending() == 1);
}

TEST_CASE("the position is that of the first record that is not final, in any order",
          "[transfer]") {
    CHECK(rc::check([] {
        ack_tracker tracker{0};
        std::map<std::int64_t, bool> model;  // offset, final
        std::int64_t next = 0;
        const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40));
        for (const int step : steps) {
            if (step < 20) {
                next += step % 3;
                tracker.received(next, 1, now);
                model[next++] = false;
            } else if (!model.empty()) {
                auto chosen = std::next(model.begin(),
                                        static_cast<long>(step % static_cast<int>(model.size())));
                RC_ASSERT(tracker.settled(chosen->first) == !chosen->second);
                chosen->second = true;
            }
            std::int64_t wanted = next;
            for (const auto& [offset, final] : model) {
                if (final) continue;
                wanted = offset;
                break;
            }
            RC_ASSERT(tracker.committable() == (model.empty() ? 0 : wanted));
        }
    }));
}

TEST_CASE("records that were passed behind the last run are final, though nobody commits them yet",
          "[transfer]") {
    ack_tracker tracker{10, true};
    tracker.received(10, 1, now);
    tracker.received(11, 1, now);
    tracker.passed(12);
    CHECK(tracker.final_to() == 10);
    tracker.settled_to(12);
    CHECK(tracker.committable() == 12);
    CHECK(tracker.final_to() == 13);
    tracker.received(13, 1, now);
    CHECK(tracker.final_to() == 12);
}

}  // namespace
}  // namespace logagent::transfer
