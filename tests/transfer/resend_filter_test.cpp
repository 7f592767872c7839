#include "logagent/transfer/resend_filter.hpp"

#include <rapidcheck.h>

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

constexpr std::string_view one = "AAAAAAAAAAAAAAAAAAAAAA";
constexpr std::string_view other = "BBBBBBBBBBBBBBBBBBBBBB";

TEST_CASE("a record that came before is a repetition, also in other pieces", "[transfer]") {
    resend_filter filter{100'000};
    CHECK_FALSE(filter.repeats(0, {one, 0, 10}));
    CHECK_FALSE(filter.repeats(1, {one, 10, 20}));
    CHECK_FALSE(filter.repeats(2, {other, 0, 10}));
    CHECK(filter.repeats(3, {one, 0, 10}));
    CHECK(filter.repeats(4, {one, 5, 20}));
    CHECK_FALSE(filter.repeats(5, {one, 15, 25}));  // a part of it is new
    CHECK(filter.repeats(6, {one, 0, 25}));
    CHECK_FALSE(filter.repeats(7, {one, 30, 40}));
    CHECK_FALSE(filter.repeats(8, {one, 20, 35}));  // the middle never came
}

TEST_CASE("an empty range and a filter without a window hide nothing", "[transfer]") {
    resend_filter filter{1000};
    CHECK_FALSE(filter.repeats(0, {one, 5, 5}));
    CHECK_FALSE(filter.repeats(1, {one, 5, 5}));
    resend_filter none{0};
    CHECK_FALSE(none.repeats(0, {one, 0, 5}));
    CHECK_FALSE(none.repeats(1, {one, 0, 5}));
}

TEST_CASE("what is out of the window is forgotten", "[transfer]") {
    resend_filter filter{2 * resend_filter::block};
    CHECK_FALSE(filter.repeats(0, {one, 0, 10}));
    CHECK(filter.repeats(2 * resend_filter::block, {one, 0, 10}));
    CHECK_FALSE(filter.repeats(5 * resend_filter::block, {one, 0, 10}));
    CHECK(filter.ranges() == 1);
}

TEST_CASE("consecutive lines of a file take one range a block", "[transfer]") {
    resend_filter filter{100 * resend_filter::block};
    for (std::int64_t at = 0; at < 200 * resend_filter::block; ++at)
        filter.repeats(at, {one, static_cast<std::uint64_t>(at) * 10,
                            static_cast<std::uint64_t>(at) * 10 + 10});
    CHECK(filter.ranges() == 101);
}

TEST_CASE("who begins in the middle gets the answers of who read all along", "[transfer]") {
    CHECK(rc::check([] {
        constexpr std::int64_t window = 2 * resend_filter::block;
        struct shown {
            std::int64_t offset;
            std::uint64_t start, end;
        };
        std::vector<shown> log;
        std::int64_t offset = 0;
        const auto steps = *rc::gen::container<std::vector<int>>(400, rc::gen::inRange(0, 1000));
        for (const int step : steps) {
            offset += 1 + step % 40;
            const auto start = static_cast<std::uint64_t>(step % 50) * 10;
            log.push_back({offset, start, start + 10 + static_cast<std::uint64_t>(step % 3) * 10});
        }
        resend_filter whole{window};
        std::vector<bool> answers;
        for (const auto& each : log)
            answers.push_back(whole.repeats(each.offset, {one, each.start, each.end}));
        const auto from = *rc::gen::inRange<std::size_t>(0, log.size());
        resend_filter late{window};
        for (std::size_t at = 0; at < log.size(); ++at) {
            if (log[at].offset < late.rebuild_from(log[from].offset)) continue;
            const bool said = late.repeats(log[at].offset, {one, log[at].start, log[at].end});
            if (at >= from) RC_ASSERT(said == answers[at]);
        }
    }));
}

}  // namespace
}  // namespace logagent::transfer
