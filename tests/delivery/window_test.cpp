#include "logagent/delivery/window.hpp"

#include <deque>
#include <random>
#include <vector>

#include "support/test.hpp"

namespace logagent::delivery {
namespace {

const time_point now{};

/// A window of runs of ten bytes each, and the pointers to them.
struct fixture {
    window flow{100};
    std::vector<run*> runs;

    void push(std::size_t how_many) {
        for (std::size_t i = 0; i < how_many; ++i) {
            auto made = std::make_unique<run>();
            made->begin = flow.end();
            made->end = made->begin + 10;
            runs.push_back(&flow.push(std::move(made)));
        }
    }
    void push_and_send(std::size_t how_many, std::uint32_t records = 1) {
        push(how_many);
        while (run* const next = flow.next_unsent())
            flow.sent(*next, records, 0, now);
    }
    int settle() {
        int taken = 0;
        while (flow.take_settled())
            ++taken;
        return taken;
    }
    std::vector<std::uint64_t> rewind() {
        std::vector<std::uint64_t> marked;
        flow.rewind([&](run& each) { marked.push_back(each.begin); });
        return marked;
    }
};

TEST_CASE_METHOD(fixture, "the committed position covers only an unbroken run of acks",
                 "[window]") {
    push_and_send(3);
    CHECK(flow.end() == 130);
    CHECK(flow.in_flight() == 30);
    CHECK(flow.delivered(*runs[2], 1));
    CHECK(flow.delivered(*runs[1], 1));
    CHECK(settle() == 0);
    CHECK(flow.committed() == 100);
    CHECK_FALSE(flow.quiet());
    CHECK(flow.delivered(*runs[0], 1));
    CHECK(flow.quiet());
    CHECK(settle() == 3);
    CHECK(flow.committed() == 130);
    CHECK(flow.empty());
    CHECK(flow.in_flight() == 0);
}

TEST_CASE_METHOD(fixture, "a run is settled when all its records are", "[window]") {
    push_and_send(1, 5);
    CHECK_FALSE(flow.delivered(*runs[0], 2));
    CHECK_FALSE(flow.delivered(*runs[0], 2));
    CHECK(settle() == 0);
    CHECK(flow.delivered(*runs[0], 1));
    CHECK(settle() == 1);
}

TEST_CASE_METHOD(fixture, "a run without records is settled once it was sent", "[window]") {
    push(2);
    CHECK(settle() == 0);
    flow.sent(*flow.next_unsent(), 0, 0, now);
    CHECK(flow.quiet());
    CHECK(settle() == 1);
    CHECK(flow.committed() == 110);
    CHECK(flow.next_unsent() == runs[1]);
}

TEST_CASE_METHOD(fixture, "an empty run waits for the ones in front of it", "[window]") {
    push(2);
    flow.sent(*runs[0], 1, 0, now);
    flow.sent(*runs[1], 0, 0, now);
    CHECK(settle() == 0);
    flow.delivered(*runs[0], 1);
    CHECK(settle() == 2);
}

TEST_CASE_METHOD(fixture, "nothing is sent between a failure and the rewind", "[window]") {
    push_and_send(2);
    push(1);
    flow.failed(*runs[0], kafka::error::msg_timed_out);
    CHECK(flow.broken());
    CHECK(flow.first_failed() == runs[0]);
    CHECK(runs[0]->code == kafka::error::msg_timed_out);
    CHECK(flow.next_unsent() == nullptr);
    CHECK_FALSE(flow.quiet());  // the second one's report is to come
    flow.delivered(*runs[1], 1);
    CHECK(flow.quiet());
    rewind();
    CHECK_FALSE(flow.broken());
    CHECK(flow.next_unsent() == runs[0]);
}

TEST_CASE_METHOD(fixture, "a rewind sends everything from the hole on again", "[window]") {
    push_and_send(5);
    flow.delivered(*runs[0], 1);
    flow.delivered(*runs[1], 1);
    flow.failed(*runs[2], kafka::error::msg_timed_out);
    flow.delivered(*runs[3], 1);
    flow.failed(*runs[4], kafka::error::transport);
    CHECK(flow.first_failed() == runs[2]);
    CHECK(rewind() == std::vector<std::uint64_t>{120, 130, 140});
    CHECK(flow.first_failed() == nullptr);
    CHECK(runs[2]->code == kafka::error::none);
    CHECK(settle() == 2);
    CHECK(flow.committed() == 120);
    CHECK(flow.end() == 150);
    for (std::size_t i = 2; i < 5; ++i) {
        run* const next = flow.next_unsent();
        REQUIRE(next == runs[i]);
        flow.sent(*next, 1, 0, now);
        flow.delivered(*next, 1);
    }
    CHECK(settle() == 3);
    CHECK(flow.committed() == 150);
}

TEST_CASE_METHOD(fixture, "a run that was never sent lies behind the hole too", "[window]") {
    push_and_send(1);
    push(1);
    flow.failed(*runs[0], kafka::error::msg_timed_out);
    CHECK(rewind() == std::vector<std::uint64_t>{100, 110});
}

TEST_CASE_METHOD(fixture, "several failures of one run count once, the first is its reason",
                 "[window]") {
    push_and_send(1, 3);
    flow.failed(*runs[0], kafka::error::message_too_large);
    flow.failed(*runs[0], kafka::error::invalid_different_record);
    CHECK_FALSE(flow.quiet());
    flow.delivered(*runs[0], 1);
    CHECK(flow.quiet());
    CHECK(runs[0]->code == kafka::error::message_too_large);
    CHECK(settle() == 0);
    rewind();
    CHECK_FALSE(flow.broken());
}

TEST_CASE_METHOD(fixture, "an abandoned run has failed with all its open reports", "[window]") {
    push_and_send(3, 10);
    flow.delivered(*runs[0], 10);
    flow.delivered(*runs[1], 4);
    for (run* const each : runs)
        flow.abandon(*each, kafka::error::fatal);
    CHECK(flow.quiet());
    CHECK(runs[0]->now == run::state::sent);
    CHECK(flow.first_failed() == runs[1]);
    CHECK(runs[1]->code == kafka::error::fatal);
    CHECK(rewind() == std::vector<std::uint64_t>{110, 120});
    CHECK(settle() == 1);
}

TEST_CASE_METHOD(fixture, "abandoning keeps the reason of an earlier failure", "[window]") {
    push_and_send(1, 3);
    flow.failed(*runs[0], kafka::error::message_too_large);
    flow.abandon(*runs[0], kafka::error::fatal);
    CHECK(runs[0]->code == kafka::error::message_too_large);
    CHECK(flow.quiet());
}

TEST_CASE("random reports never commit a byte that was not stored", "[window]") {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        INFO("seed " << seed);
        std::mt19937 random{seed};
        const auto below = [&](std::size_t limit) { return random() % limit; };
        window flow{0};
        std::vector<run*> waiting;
        std::vector<bool> stored(60);  // by run number: its last copy arrived
        std::uint64_t pushed = 0;
        std::uint64_t committed = 0;
        for (int step = 0; step < 5000 && committed < stored.size(); ++step) {
            if (pushed < stored.size() && below(3) == 0) {
                auto made = std::make_unique<run>();
                made->begin = pushed++;
                made->end = pushed;
                flow.push(std::move(made));
            }
            if (run* const next = flow.next_unsent(); next && below(2) == 0) {
                flow.sent(*next, 1, 0, now);
                stored[next->begin] = false;
                waiting.push_back(next);
            }
            if (!waiting.empty() && below(2) == 0) {
                const auto which = static_cast<std::ptrdiff_t>(below(waiting.size()));
                run* const reported = waiting[static_cast<std::size_t>(which)];
                waiting.erase(waiting.begin() + which);
                if (below(5) == 0) {
                    flow.failed(*reported, kafka::error::msg_timed_out);
                } else {
                    stored[reported->begin] = true;
                    flow.delivered(*reported, 1);
                }
            }
            REQUIRE(flow.quiet() == waiting.empty());
            if (flow.broken() && flow.quiet()) flow.rewind([](run&) {});
            while (const auto settled = flow.take_settled())
                REQUIRE(stored[settled->begin]);
            REQUIRE(flow.committed() >= committed);
            committed = flow.committed();
        }
        CHECK(committed == stored.size());
    }
}

}  // namespace
}  // namespace logagent::delivery
