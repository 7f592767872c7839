#include "logagent/checkpoint/journal.hpp"

#include <algorithm>
#include <chrono>

#include "checkpoint/fake_directory.hpp"
#include "checkpoint/record.hpp"
#include "logagent/os/posix_journal_files.hpp"
#include "os/temporary_directory.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

using namespace logagent::checkpoint;
using logagent::test::fake_directory;
using namespace std::chrono_literals;

namespace {

std::int64_t now_ms = 1000;
std::int64_t clock_ms() {
    return now_ms;
}

const std::string current = "positions.journal";
const std::string previous = "positions.journal.previous";

journal::settings fast() {
    journal::settings out;
    out.program_version = "1.0.0-test";
    out.interval = 1ms;
    out.wall_ms = &clock_ms;
    return out;
}

generation_id id(std::uint8_t number) {
    generation_id out;
    out.bits.fill(number);
    return out;
}

generation_record generation(std::uint8_t number) {
    generation_record out;
    out.id = id(number);
    out.path = "/var/log/" + std::to_string(number) + ".log";
    out.identity.inode = number;
    return out;
}

position_record position(std::uint8_t number, std::uint64_t end, const char* topic = "t") {
    position_record out;
    out.generation = id(number);
    out.topic = topic;
    out.log_path = "/var/log/*.log";
    out.done = {{0, end}};
    out.size = end;
    out.counts[static_cast<std::size_t>(byte_class::acked)] = end;
    return out;
}

/// Everything that counts; when it was written does not.
bool same(const state& a, const state& b) {
    return a.generations == b.generations && a.positions == b.positions && a.targets == b.targets &&
           a.retired == b.retired && a.losses == b.losses;
}

struct fixture {
    boost::asio::io_context loop;
    fake_directory directory;
    journal::settings settings = fast();

    std::unique_ptr<journal> open() {
        return std::make_unique<journal>(loop.get_executor(), directory, settings);
    }

    /// Runs the journal until `ready`.
    template <class Ready>
    void run_until(journal& journal, Ready ready) {
        logagent::test::background task{loop, journal.run()};
        logagent::test::run_until(loop, ready);
    }

    state reopened() { return open()->state(); }
};

/// Some life: two generations, positions that move, a removal, targets.
std::vector<state> write_some(journal& journal) {
    std::vector<state> after_write;
    const auto write = [&] {
        REQUIRE(journal.write());
        after_write.push_back(journal.state());
    };
    after_write.push_back(journal.state());
    journal.put(generation(1));
    journal.put(target_record{"/var/log/*.log", "t", 5});
    write();
    journal.put(position(1, 10));
    write();
    journal.put(generation(2));
    journal.put(position(2, 7));
    journal.put(position(1, 20));
    write();
    journal.remove(id(1));
    write();
    journal.put(position(2, 8));
    journal.remove_target("/var/log/*.log", "t");
    write();
    return after_write;
}

/// Works until it is done or the machine ends; adds the state at each write. Returns how many of
/// them are known to be on the disk.
std::size_t live(fixture& f, std::vector<state>& states, bool compact) {
    std::size_t synced = 0;
    now_ms = 10'000;
    try {
        auto journal = f.open();
        synced = 1;
        for (std::uint8_t step = 1; step <= 4; ++step) {
            now_ms = 10'000 + step;
            journal->put(generation(step));
            journal->put(position(step, 10));
            journal->put(position(1, 10u + step));
            if (step == 3) journal->remove(id(2));
            states.push_back(journal->state());
            journal->write();
            const auto made = journal->compactions();
            logagent::test::background task{f.loop, journal->run()};
            logagent::test::run_until(f.loop, [&] {
                if (task.failure()) std::rethrow_exception(task.failure());
                return journal->synced_ms() == now_ms &&
                       (!compact || journal->compactions() > made);
            });
            task.stop();
            synced = states.size();
        }
        journal->close();
    } catch (const fake_directory::end_of_program&) {
    }
    return synced;
}

bool one_of(const state& found, const std::vector<state>& expected) {
    return std::any_of(expected.begin(), expected.end(),
                       [&](const state& candidate) { return same(candidate, found); });
}

}  // namespace

TEST_CASE("a new journal is empty, says so, and is on the disk at once", "[journal]") {
    fixture f;
    const auto journal = f.open();
    CHECK(journal->loaded().from == journal::report::source::nothing);
    CHECK_FALSE(journal->loaded().lost);
    CHECK(journal->loaded().text.empty());
    CHECK(journal->problem().empty());
    CHECK(journal->state().last_stop_ms == 0);
    f.directory.cut_power(0, 0);
    CHECK(f.directory.has(current));
}

TEST_CASE("what was written is there after the program was killed", "[journal]") {
    fixture f;
    auto journal = f.open();
    now_ms = 5000;
    const auto states = write_some(*journal);
    journal->put(position(2, 9));  // never written
    journal.reset();
    f.directory.kill();
    const auto again = f.open();
    CHECK(same(again->state(), states.back()));
    CHECK(again->state().last_stop_ms == 5000);
    CHECK(again->state().retired[static_cast<std::size_t>(byte_class::acked)] == 20);
    CHECK(again->loaded().from == journal::report::source::journal);
    CHECK(again->loaded().text.empty());
}

TEST_CASE("a write that changes nothing costs nothing", "[journal]") {
    fixture f;
    const auto journal = f.open();
    const auto before = f.directory.operations;
    CHECK(journal->write());
    CHECK(f.directory.operations == before);
}

TEST_CASE("a removed generation that comes back in the same write stays", "[journal]") {
    fixture f;
    const auto journal = f.open();
    journal->put(generation(1));
    journal->put(position(1, 10));
    journal->write();
    journal->remove(id(1));
    journal->put(generation(1));
    journal->put(position(1, 3, "u"));
    journal->remove_target("/a", "t");
    journal->put(target_record{"/a", "t", 1});
    journal->write();
    CHECK(same(f.reopened(), journal->state()));
    CHECK(f.reopened().positions.size() == 1);
    CHECK(f.reopened().targets.size() == 1);
}

TEST_CASE("counts of a generation that was never written are not forgotten", "[journal]") {
    fixture f;
    const auto journal = f.open();
    journal->put(generation(1));
    journal->put(position(1, 10));
    journal->remove(id(1));
    journal->write();
    CHECK(f.reopened().retired[static_cast<std::size_t>(byte_class::acked)] == 10);
}

TEST_CASE("the loop brings changes to the disk by itself", "[journal]") {
    fixture f;
    auto journal = f.open();
    journal->put(generation(1));
    const auto size = journal->size();
    now_ms = 7000;
    f.run_until(*journal, [&] { return journal->synced_ms() == 7000; });
    CHECK(journal->size() > size);
    const auto expected = journal->state();
    journal.reset();
    f.directory.cut_power(0, 0);
    CHECK(same(f.reopened(), expected));
}

TEST_CASE("enough acknowledged bytes bring the write forward", "[journal]") {
    fixture f;
    f.settings.interval = 1h;
    f.settings.acked_bytes = 1000;
    const auto journal = f.open();
    journal->put(generation(1));
    const auto size = journal->size();
    logagent::test::background task{f.loop, journal->run()};
    journal->note_acked(999);
    f.loop.poll();
    CHECK(journal->size() == size);
    journal->note_acked(1);
    logagent::test::run_until(
        f.loop, [&] { return journal->size() > size; }, 5s);
}

TEST_CASE("a clean stop stamps its time even without changes", "[journal]") {
    fixture f;
    auto journal = f.open();
    now_ms = 9000;
    CHECK(journal->close());
    journal.reset();
    f.directory.cut_power(0, 0);
    CHECK(f.reopened().last_stop_ms == 9000);
}

TEST_CASE("after a tear at any byte the state is the one of an earlier write", "[journal]") {
    fixture f;
    const auto journal = f.open();
    const auto states = write_some(*journal);
    const auto whole = f.directory.bytes(current);
    const auto empty = header_size + 8;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        fixture torn;
        torn.directory.put(current, whole.substr(0, size));
        const auto found = torn.open();
        CAPTURE(size, found->loaded().text);
        CHECK(one_of(found->state(), states));
        CHECK((found->loaded().from == journal::report::source::journal) != found->loaded().lost);
        if (size < empty) CHECK(found->loaded().lost);
        CHECK(found->problem().empty());
        // The damaged end is gone: what is written now can be read again.
        found->put(generation(9));
        REQUIRE(found->write());
        const auto again = torn.open();
        CHECK(same(again->state(), found->state()));
        CHECK(again->loaded().text.empty());
    }
}

TEST_CASE("a flipped bit anywhere gives the state of an earlier write", "[journal]") {
    fixture f;
    const auto journal = f.open();
    const auto states = write_some(*journal);
    const auto whole = f.directory.bytes(current);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        fixture damaged;
        auto bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
        damaged.directory.put(current, bytes);
        const auto found = damaged.open();
        CAPTURE(at);
        CHECK(one_of(found->state(), states));
        CHECK_FALSE(same(found->state(), states.back()));
        CHECK_FALSE(found->loaded().text.empty());
    }
}

TEST_CASE("a damaged journal falls back to the one before it and keeps it", "[journal]") {
    fixture f;
    f.settings.compact_above = 0;
    f.settings.compact_ratio = 1;
    auto journal = f.open();
    journal->put(generation(1));
    journal->write();
    f.run_until(*journal, [&] { return journal->compactions() == 2; });
    journal.reset();
    REQUIRE(f.directory.has(previous));
    const auto good = f.directory.bytes(previous);

    SECTION("empty") {
        f.directory.put(current, "");
    }
    SECTION("zeros") {
        f.directory.put(current, std::string(4096, '\0'));
    }
    SECTION("not ours") {
        f.directory.put(current, std::string(4096, 'x'));
    }
    SECTION("gone") {
        f.directory.erase(current);
    }
    SECTION("cut in the snapshot") {
        f.directory.put(current, f.directory.bytes(current).substr(0, header_size + 5));
    }
    const auto found = f.open();
    CHECK(found->loaded().from == journal::report::source::previous);
    CHECK(found->loaded().text.find(previous) != std::string::npos);
    CHECK(found->state().generations.size() == 1);
    CHECK(f.directory.bytes(previous) == good);
    CHECK(f.open()->loaded().from == journal::report::source::journal);
}

TEST_CASE("without any usable file the loss is reported", "[journal]") {
    fixture f;
    f.directory.put(current, std::string(100, '\0'));
    f.directory.put(previous, "x");
    const auto journal = f.open();
    CHECK(journal->loaded().lost);
    CHECK(journal->loaded().text.find("no usable state") != std::string::npos);
    CHECK(journal->state().generations.empty());
    CHECK(f.directory.bytes("positions.journal.damaged") == std::string(100, '\0'));
}

TEST_CASE("a journal of a newer program is refused and left alone", "[journal]") {
    fixture f;
    header newer;
    newer.version = 2;
    newer.writer = "2.0";
    f.directory.put(current, encode(newer));
    CHECK_THROWS_AS(f.open(), unusable_state);
    CHECK(f.directory.bytes(current) == encode(newer));
}

TEST_CASE("a journal that cannot be read is refused, not taken for a missing one", "[journal]") {
    fixture f;
    f.open();
    f.directory.before = [](const std::string& operation, const std::string&) {
        return operation == "read" ? EIO : 0;
    };
    CHECK_THROWS_AS(f.open(), unusable_state);
}

TEST_CASE("a full disk is a problem, keeps every change, and ends by itself", "[journal]") {
    fixture f;
    auto journal = f.open();
    journal->put(generation(1));
    REQUIRE(journal->write());
    const auto size = journal->size();

    f.directory.capacity = size + 20;
    journal->put(position(1, 10));
    CHECK_FALSE(journal->write());
    CHECK(journal->problem().find("No space left") != std::string::npos);
    CHECK(journal->size() == size);
    CHECK(f.directory.bytes(current).size() == size);
    journal->put(position(1, 20));
    CHECK_FALSE(journal->write());

    f.directory.capacity = 1 << 20;
    f.run_until(*journal, [&] { return journal->problem().empty(); });
    CHECK(same(f.reopened(), journal->state()));
    CHECK(f.reopened().positions.begin()->second.done.front().end == 20);
}

TEST_CASE("a disk that is full or read-only from the start is only a problem", "[journal]") {
    fixture f;
    const int error = GENERATE(ENOSPC, EROFS);
    f.directory.before = [=](const std::string& operation, const std::string&) {
        return operation == "read" ? 0 : error;
    };
    const auto journal = f.open();
    CHECK_FALSE(journal->problem().empty());
    journal->put(generation(1));
    CHECK_FALSE(journal->write());
    CHECK_FALSE(journal->close());
    f.directory.before = [](const std::string&, const std::string&) { return 0; };
    f.run_until(*journal, [&] { return journal->problem().empty(); });
    CHECK(same(f.reopened(), journal->state()));
}

TEST_CASE("bytes of a failed append that cannot be cut off are never written behind", "[journal]") {
    fixture f;
    const auto journal = f.open();
    bool broken = true;
    f.directory.before = [&](const std::string& operation, const std::string&) {
        return broken && (operation == "append" || operation == "truncate") ? EIO : 0;
    };
    journal->put(generation(1));
    CHECK_FALSE(journal->write());
    broken = false;
    CHECK(journal->write());  // the end is cut off now
    CHECK(same(f.reopened(), journal->state()));
}

TEST_CASE("after a failed sync everything goes into a new file", "[journal]") {
    fixture f;
    auto journal = f.open();
    const auto made = journal->compactions();
    bool broken = true;
    f.directory.before = [&](const std::string& operation, const std::string&) {
        if (operation != "sync" || !broken) return 0;
        broken = false;
        return EIO;
    };
    journal->put(generation(1));
    f.run_until(*journal, [&] { return journal->compactions() > made; });
    CHECK(journal->problem().empty());
    const auto expected = journal->state();
    journal.reset();
    f.directory.cut_power(99, 0);
    CHECK(same(f.reopened(), expected));
}

TEST_CASE("a journal that has grown is made anew while it goes on", "[journal]") {
    fixture f;
    f.settings.compact_above = 2000;
    f.settings.compact_ratio = 2;
    f.settings.slice_records = 1;
    const auto journal = f.open();
    for (std::uint8_t i = 1; i <= 50; ++i) {
        journal->put(generation(i));
        journal->put(position(i, 0));
    }
    std::uint64_t end = 0;
    const auto made = journal->compactions();
    f.run_until(*journal, [&] {
        // Changes of every kind between the slices.
        ++end;
        journal->put(position(static_cast<std::uint8_t>(1 + end % 50), end));
        if (end % 7 == 0) journal->remove(id(static_cast<std::uint8_t>(1 + end % 11)));
        if (end % 9 == 0) journal->put(generation(static_cast<std::uint8_t>(1 + end % 13)));
        if (end % 5 == 0) journal->put(target_record{"/p" + std::to_string(end % 3), "t", 1});
        if (end % 11 == 0) journal->remove_target("/p1", "t");
        if (end % 3 == 0) CHECK(journal->write());
        return journal->compactions() > made + 2;
    });
    CHECK(journal->write());
    CHECK(same(f.reopened(), journal->state()));
    CHECK(f.reopened().retired == journal->state().retired);
}

TEST_CASE("of the losses the newest thousand survive, through frames and through a new file",
          "[journal]") {
    fixture test;
    auto journal = test.open();
    const auto note = [&](std::uint64_t from, std::uint64_t to) {
        for (auto at = from; at < to; ++at)
            journal->note({0,
                           id(1),
                           "/a",
                           "t",
                           byte_class::cut,
                           {at * 10, at * 10 + 5},
                           5,
                           static_cast<std::int64_t>(at),
                           "reason " + std::to_string(at)});
    };
    note(0, 700);
    REQUIRE(journal->write());
    note(700, 1500);
    REQUIRE(journal->write());
    const auto check = [&] {
        const auto& losses = journal->state().losses;
        REQUIRE(losses.size() == most_losses);
        CHECK(losses.begin()->second.reason == "reason 500");
        CHECK(losses.rbegin()->second.number == 1500);
    };
    check();
    journal.reset();  // without a clean stop
    journal = test.open();
    check();
    test.settings.compact_above = 1;
    test.settings.compact_ratio = 1;
    REQUIRE(journal->close());
    journal = test.open();
    check();
    note(1500, 1501);
    CHECK(journal->state().losses.begin()->second.reason == "reason 501");
}

TEST_CASE("a stop in the middle of making a new file harms nothing", "[journal]") {
    fixture f;
    f.settings.compact_above = 0;
    f.settings.compact_ratio = 0;
    f.settings.slice_records = 1;
    const auto journal = f.open();
    for (std::uint8_t i = 1; i <= 50; ++i)
        journal->put(generation(i));
    {
        logagent::test::background task{f.loop, journal->run()};
        logagent::test::run_until(f.loop, [&] { return f.directory.operations > 20; });
        journal->put(position(1, 5));
    }
    CHECK(journal->close());
    CHECK(same(f.reopened(), journal->state()));
}

TEST_CASE("whenever the power goes the state is the one of some write, and no older than synced",
          "[journal]") {
    // The same program is cut off at its first, second, ... operation until it gets through.
    const bool compact = GENERATE(true, false);
    bool through = false;
    for (std::size_t at = 1; !through; ++at) {
        REQUIRE(at < 500);
        for (const std::size_t renames : {0u, 1u, 2u, 9u}) {
            for (const std::size_t tail : {0u, 500u, 1000u}) {
                fixture f;
                f.settings.compact_above = 0;
                f.settings.compact_ratio = compact ? 0 : 1'000'000;
                f.settings.slice_records = 2;
                f.directory.takes_time = false;
                f.directory.before = [&](const std::string&, const std::string&) {
                    if (f.directory.operations == at) throw fake_directory::end_of_program{};
                    return 0;
                };
                std::vector<state> states{{}};
                const auto synced = live(f, states, compact);
                through = synced == states.size();
                f.directory.cut_power(renames, tail);
                const auto found = f.open();
                CAPTURE(compact, at, renames, tail, synced, found->loaded().text);
                states.erase(states.begin(),
                             states.begin() + static_cast<long>(std::max(synced, 1ul) - 1));
                CHECK(one_of(found->state(), states));
                CHECK_FALSE(found->loaded().lost);
            }
        }
    }
}

TEST_CASE("a journal in a real directory survives and can be opened again", "[journal]") {
    logagent::test::temporary_directory directory;
    boost::asio::io_context loop;
    logagent::os::posix_journal_files files{loop.get_executor(), directory.path()};
    state expected;
    {
        auto settings = fast();
        settings.compact_above = 0;
        settings.compact_ratio = 0;
        journal first{loop.get_executor(), files, settings};
        for (std::uint8_t i = 1; i <= 100; ++i) {
            first.put(generation(i));
            first.put(position(i, i));
        }
        logagent::test::background task{loop, first.run()};
        logagent::test::run_until(loop, [&] { return first.compactions() >= 4; });
        first.put(position(1, 999));
        task.stop();
        CHECK(first.close());
        expected = first.state();
    }
    journal second{loop.get_executor(), files, fast()};
    CHECK(same(second.state(), expected));
    CHECK(second.loaded().text.empty());
}

TEST_CASE("a hundred thousand positions load, and are made anew without holding the loop",
          "[journal]") {
    using steady = std::chrono::steady_clock;
    const auto ms = [](steady::duration time) {
        return std::chrono::duration<double, std::milli>{time}.count();
    };
    logagent::test::temporary_directory directory;
    boost::asio::io_context loop;
    logagent::os::posix_journal_files files{loop.get_executor(), directory.path()};
    auto settings = fast();
    settings.compact_above = 0;
    settings.compact_ratio = 0;
    {
        journal first{loop.get_executor(), files, settings};
        for (std::uint32_t i = 0; i < 100'000; ++i) {
            auto file = generation(1);
            std::copy_n(reinterpret_cast<const std::uint8_t*>(&i), 4, file.id.bits.begin());
            file.path = "/var/log/containers/application-" + std::to_string(i) + ".log";
            auto where = position(1, i);
            where.generation = file.id;
            first.put(file);
            first.put(where);
        }
        auto begin = steady::now();
        REQUIRE(first.write());
        const auto written = steady::now() - begin;

        steady::duration longest{};
        logagent::test::background task{loop, first.run()};
        const auto made = first.compactions();
        const auto deadline = steady::now() + 20s;
        while (first.compactions() == made) {
            begin = steady::now();
            REQUIRE(begin < deadline);
            loop.poll_one();  // never waits, so this is the time that the loop is held
            longest = std::max(longest, steady::now() - begin);
        }
        task.stop();
        WARN("write of everything: " << ms(written) << " ms; longest turn: " << ms(longest)
                                     << " ms; size: " << first.size() << " bytes");
    }
    const auto begin = steady::now();
    journal second{loop.get_executor(), files, settings};
    WARN("load: " << ms(steady::now() - begin) << " ms");
    CHECK(second.state().positions.size() == 100'000);
    CHECK(second.state().generations.size() == 100'000);
}
