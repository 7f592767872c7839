#include "selftest/ledger.hpp"

#include <vector>

#include "support/test.hpp"

namespace logagent::selftest {

namespace {

struct record {
    std::string key;
    std::string value;
};

/// A ledger whose lines are also kept as the records that an agent would make of them.
struct bench {
    record write(std::uint32_t writer = 0) {
        const auto id = book.next(writer);
        const auto text = book.text(id);
        book.written(writer);
        return {key(writer, id.life, id.start, id.start + text.size() + 1), text};
    }
    std::vector<record> write_some(int count, std::uint32_t writer = 0) {
        std::vector<record> out;
        for (int i = 0; i < count; ++i)
            out.push_back(write(writer));
        return out;
    }
    void take(const record& one, std::uint32_t agent = 1) { book.took(one.key, one.value, agent); }
    void take(const std::vector<record>& all, std::uint32_t agent = 1) {
        for (const auto& one : all)
            take(one, agent);
    }
    static std::string key(std::uint32_t writer, std::uint32_t life, std::uint64_t start,
                           std::uint64_t end, const std::string& more = "") {
        return "[\"h\",\"s\",\"/p\",\"g" + std::to_string(writer) + "-" + std::to_string(life) +
               more + "\"," + std::to_string(start) + "," + std::to_string(end) + "]";
    }

    ledger book{"ab12", 2};
};

}  // namespace

TEST_CASE("all lines of all lives delivered once is a good verdict", "[selftest]") {
    bench on;
    on.take(on.write_some(10));
    on.book.rotated(0);
    on.take(on.write_some(5));
    on.take(on.write_some(3, 1));
    const auto verdict = on.book.judge();
    CHECK(verdict.good());
    CHECK(verdict.sum.written == 18);
    CHECK(verdict.sum.delivered == 18);
    CHECK(verdict.sum.again() == 0);
    CHECK(verdict.writers[0].written == 15);
    CHECK(on.book.missing() == 0);
    CHECK(on.book.missing_bytes() == 0);
}

TEST_CASE("a line that never comes makes the verdict bad and is named", "[selftest]") {
    bench on;
    const auto first = on.write_some(10);
    on.book.rotated(0);
    const auto second = on.write_some(10);
    on.take(first);
    for (std::size_t at = 0; at < second.size(); ++at)
        if (at != 4 && at != 5 && at != 9) on.take(second[at]);
    const auto verdict = on.book.judge();
    CHECK_FALSE(verdict.good());
    CHECK(verdict.sum.lost == 3);
    CHECK(verdict.sum.lost + verdict.sum.delivered + verdict.sum.cut == verdict.sum.written);
    REQUIRE(verdict.lost.size() == 2);
    CHECK((verdict.lost[0].writer == 0 && verdict.lost[0].life == 2));
    CHECK((verdict.lost[0].first == 14 && verdict.lost[0].last == 15));
    const auto size = [&](std::size_t at) { return second[at].value.size() + 1; };
    CHECK(verdict.lost[0].end - verdict.lost[0].start == size(4) + size(5));
    CHECK((verdict.lost[1].first == 19 && verdict.lost[1].last == 19));
    CHECK(on.book.missing_bytes() == size(4) + size(5) + size(9));
    CHECK(on.book.complete(0, 1));
    CHECK_FALSE(on.book.complete(0, 2));
}

TEST_CASE("a record that is no whole line under its own key is torn", "[selftest]") {
    bench on;
    const auto lines = on.write_some(2);
    const auto& line = lines[0];
    std::vector<record> wrong{
        {line.key, line.value.substr(1)},
        {line.key, line.value + lines[1].value},
        {line.key, ""},
        {"", line.value},
        {bench::key(0, 1, 1, line.value.size() + 2), line.value},
        {bench::key(0, 1, 0, line.value.size()), line.value},
        {lines[1].key, line.value},
    };
    // Lines that nobody has written yet, in this life and in the next.
    const auto next = on.book.next(0);
    wrong.push_back({bench::key(0, 1, next.start, next.start + on.book.text(next).size() + 1),
                     on.book.text(next)});
    const auto later = make_line("ab12", {0, 2, 2, 0});
    wrong.push_back({bench::key(0, 2, 0, later.size() + 1), later});
    const auto elsewhere = make_line("ab12", {0, 1, 1, 7});
    wrong.push_back({bench::key(0, 1, 7, 8 + elsewhere.size()), elsewhere});
    on.take(lines);
    CHECK(on.book.judge().good());
    on.take(wrong);
    const auto verdict = on.book.judge();
    CHECK_FALSE(verdict.good());
    CHECK(verdict.torn == wrong.size());
    CHECK(verdict.torn_text.size() == wrong.size());
    CHECK(verdict.sum.delivered == 2);
    CHECK(verdict.sum.again() == 0);
}

TEST_CASE("one generation for two lives is an id that names two things", "[selftest]") {
    bench on;
    on.take(on.write());
    on.book.rotated(0);
    auto second = on.write();
    second.key = bench::key(0, 1, 0, second.value.size() + 1);
    on.take(second);
    CHECK(on.book.judge().torn == 1);
    CHECK(on.book.judge().sum.lost == 1);
}

TEST_CASE("second copies are counted by what caused them", "[selftest]") {
    bench on;
    const auto line = on.write();
    on.take(line, 1);
    on.take(line, 1);
    CHECK(on.book.judge().sum.otherwise == 1);
    on.take(line, 2);
    CHECK(on.book.judge().sum.after_kill == 1);
    on.book.outage();
    on.take(line, 1);
    const auto verdict = on.book.judge();
    CHECK(verdict.sum.after_outage == 1);
    CHECK(verdict.sum.again() == 3);
    CHECK(verdict.sum.delivered == 1);
    CHECK(verdict.sum.other_id == 0);
    CHECK(verdict.good());
}

TEST_CASE("a copy under another id than the first is told", "[selftest]") {
    bench on;
    const auto line = on.write();
    on.take(line, 1);
    on.take({bench::key(0, 1, 0, line.value.size() + 1, "x"), line.value}, 2);
    const auto verdict = on.book.judge();
    CHECK(verdict.sum.other_id == 1);
    CHECK(verdict.sum.again() == 1);
    CHECK(verdict.other_ids ==
          std::vector<std::string>{"file no. 1 was generation g0-1, came again as g0-1x from 0"});
    CHECK(verdict.good());
}

TEST_CASE("what a truncation destroyed before it was copied is not lost", "[selftest]") {
    bench on;
    const auto copied = on.write_some(3);
    const auto end_of_copy = on.book.next(0).start;
    const auto late = on.write_some(2);
    on.book.truncated(0, end_of_copy);
    on.take(on.write());
    CHECK(on.book.missing() == 3);
    CHECK(on.book.judge().sum.lost == 3);
    on.take(copied);
    CHECK(on.book.complete(0, 1));
    auto verdict = on.book.judge();
    CHECK(verdict.good());
    CHECK(verdict.sum.cut == 2);
    CHECK(verdict.sum.delivered == 4);

    SECTION("a line that was read in time all the same is delivered") {
        on.take(late[1]);
        verdict = on.book.judge();
        CHECK(verdict.good());
        CHECK(verdict.sum.cut == 1);
        CHECK(verdict.sum.delivered == 5);
        CHECK(on.book.missing() == 0);
        CHECK(on.book.missing_bytes() == 0);
    }
}

TEST_CASE("lines that were delivered before the truncation are not cut", "[selftest]") {
    bench on;
    on.take(on.write_some(3));
    on.book.truncated(0, 0);
    CHECK(on.book.judge().sum.cut == 0);
    CHECK(on.book.judge().sum.delivered == 3);
}

TEST_CASE("lives that are kept as counts still judge what comes late", "[selftest]") {
    bench on;
    const auto old = on.write_some(2);
    on.book.rotated(0);
    const auto unread = on.write();
    on.book.rotated(0);
    on.take(old, 1);
    for (int life = 0; life < 100; ++life) {
        on.take(on.write());
        on.book.rotated(0);
    }
    on.take(old[1], 2);
    CHECK(on.book.judge().sum.after_kill == 1);
    auto wrong = old[0];
    wrong.key = unread.key;
    on.take(wrong, 2);
    CHECK(on.book.judge().torn == 1);
    CHECK(on.book.judge().sum.lost == 1);
    on.take(unread, 1);
    CHECK(on.book.judge().sum.lost == 0);
}

TEST_CASE("an agent has reached a log once it sent a line of its present life", "[selftest]") {
    bench on;
    CHECK_FALSE(on.book.reached(0, 1));
    const auto first = on.write();
    CHECK_FALSE(on.book.reached(0, 1));
    on.take(first, 1);
    CHECK(on.book.reached(0, 1));
    CHECK_FALSE(on.book.reached(0, 2));
    on.book.rotated(0);
    CHECK_FALSE(on.book.reached(0, 1));
}

}  // namespace logagent::selftest
