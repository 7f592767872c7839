#include "logagent/tail/collector.hpp"

#include <algorithm>
#include <set>

#include "fake_host.hpp"
#include "support/test.hpp"

namespace logagent::tail {
namespace {

using namespace std::chrono_literals;
using test::host;
using test::lines;
using test::numbered;
using test::strings;

TEST_CASE("a file that existed before its target begins at its end", "[collector]") {
    host h;
    h.disk.write("/l/a", "old\n");
    h.apply({host::target("/l/a")});
    h.wrote("/l/a", "new\n");
    h.settle();
    CHECK(h.broker.values("t") == strings{"new"});
    h.check_ledger(8);
}

TEST_CASE("a file that appears after its target begins at 0", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", "first\n");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    CHECK(h.broker.values("t") == strings{"first"});
}

TEST_CASE("a record carries host, service, path, generation and its range", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    h.disk.write("/l/a", "one\r\ntwo\n");
    h.apply({wanted});
    REQUIRE(h.broker.stored.size() == 2);
    const auto& generation = h.store.state().generations.begin()->first.text();
    CHECK(h.broker.stored[0].key == "[\"h\",\"s\",\"/l/a\",\"" + generation + "\",0,5]");
    CHECK(h.broker.stored[0].value == "one");
    CHECK(h.broker.stored[1].key == "[\"h\",\"s\",\"/l/a\",\"" + generation + "\",5,9]");
}

TEST_CASE("half a line waits for its other half", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", "hal");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    CHECK(h.broker.stored.empty());
    h.wrote("/l/a", "f\n");
    h.settle();
    CHECK(h.broker.values("t") == strings{"half"});
}

TEST_CASE("large files arrive whole and in order", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    const int count = 200'000;
    h.disk.write("/l/a", lines(0, count));
    h.apply({wanted});
    CHECK(h.broker.values("t") == numbered(0, count));
    CHECK(h.running->in_flight().used() <= 2 * delivery::chunk_pool::large);
    h.check_ledger(lines(0, count).size());
}

TEST_CASE("a restart goes on where acknowledgements ended", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.restart();
    h.disk.write("/l/a", lines(5, 9));
    h.apply({host::target("/l/a")});
    CHECK(h.broker.values("t") == numbered(0, 9));
    h.check_ledger(lines(0, 9).size());
}

TEST_CASE("unacknowledged lines are sent again after a restart, with the same keys",
          "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle(0);
    REQUIRE(h.broker.main.outstanding() == 5);
    h.broker.main.report(2);
    const auto generation = h.store.state().generations.begin()->first;
    h.restart();
    h.apply({host::target("/l/a")});
    CHECK(h.store.state().generations.begin()->first == generation);
    std::set<std::string> keys;
    for (const auto& each : h.broker.stored)
        keys.insert(each.key);
    CHECK(keys.size() == 5);
}

TEST_CASE("a crash before the first save sends everything again, as the same generation",
          "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.restart(false);
    h.apply({host::target("/l/a")});
    CHECK(h.store.state().generations.size() == 1);
    REQUIRE(h.broker.stored.size() == 10);
    CHECK(h.broker.stored[0].key == h.broker.stored[5].key);
}

TEST_CASE("a file renamed away is read to its end before its successor", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.wrote("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.write("/l/a", lines(3, 6));
    h.rename("/l/a", "/l/a.1");
    h.disk.write("/l/a", lines(6, 9));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    CHECK(h.broker.values("t") == numbered(0, 9));
    // A writer that has not noticed the rotation yet.
    h.disk.write("/l/a.1", "late\n");
    h.pass(1s);
    CHECK(h.broker.values("t").back() == "late");
    h.pass(20s);
    h.check_ledger(lines(0, 9).size() + 5);
}

TEST_CASE("what a writer adds to the renamed file before it opens the new one comes first",
          "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.wrote("/l/a", "one\n");
    h.settle();
    h.rename("/l/a", "/l/a.1");
    h.disk.write("/l/a", "");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    // Events of a file under its new name lead nowhere; that of the new one is the first to come.
    h.disk.write("/l/a.1", "two\n");
    h.wrote("/l/a", "three\n");
    h.settle();
    CHECK(h.broker.values("t") == strings{"one", "two", "three"});
    h.disk.write("/l/a.1", "four\n");
    h.disk.write("/l/a", "fi");
    h.changed(os::inotify::change::written, "/l/a");
    h.settle();
    h.wrote("/l/a", "ve\n");
    h.settle();
    h.pass(10s);
    CHECK(h.broker.values("t") == strings{"one", "two", "three", "four", "five"});
    h.check_ledger(24);
}

TEST_CASE("two rotations while throttled skip no file", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.send_rate = 10;
    h.apply({wanted});
    h.disk.write("/l/a", lines(0, 10));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    for (int rotation = 1; rotation <= 2; ++rotation) {
        h.disk.remove("/l/a.2");
        if (rotation == 2) h.rename("/l/a.1", "/l/a.2");
        h.rename("/l/a", "/l/a.1");
        h.disk.write("/l/a", lines(10 * rotation, 10 * rotation + 10));
        h.changed(os::inotify::change::appeared, "/l/a");
        h.settle();
    }
    h.pass(10s);
    CHECK(h.broker.values("t") == numbered(0, 30));
}

TEST_CASE("generations that were rotated away while nobody looked are sent in order",
          "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.restart();
    h.disk.write("/l/a", lines(3, 5));
    h.disk.rename("/l/a", "/l/a.2");
    h.disk.write("/l/a.1", lines(5, 8));
    h.disk.write("/l/a", lines(8, 10));
    h.disk.write("/l/a.other", "another log, not a rotated one\n");
    h.apply({host::target("/l/a")});
    h.pass(1s);
    CHECK(h.broker.values("t") == numbered(0, 10));
    h.check_ledger(lines(0, 10).size());
}

TEST_CASE("a file that is born and renamed between two looks is collected", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.rename("/l/a", "/l/a.2");
    h.disk.write("/l/a.1", lines(3, 5));
    h.disk.write("/l/a", lines(5, 7));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.pass(1s);
    CHECK(h.broker.values("t") == numbered(0, 7));
}

TEST_CASE("the copy that copytruncate leaves is not sent again", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.write("/l/a.1", lines(0, 5));
    h.disk.truncate("/l/a", 0);
    h.wrote("/l/a", lines(5, 7));
    h.settle();
    h.pass(1s);
    CHECK(h.broker.values("t") == numbered(0, 7));
}

TEST_CASE("reports for a target that was stopped meanwhile are taken", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle(0);
    h.running->apply({}, h.now);
    h.broker.judge = [](const auto& record) {
        return record.value == "line 4" ? kafka::error::throttling_quota_exceeded
                                        : kafka::error::none;
    };
    h.settle();
    CHECK(h.broker.values("t") == numbered(0, 4));
    CHECK(h.running->drained());  // nobody wants the rest now
    h.broker.judge = [](const auto&) { return kafka::error::none; };
    h.apply({host::target("/l/a")});
    h.pass(1s);
    CHECK(h.broker.values("t").back() == "line 4");
}

TEST_CASE("a stop in the middle of an old generation loses nothing and counts nothing lost",
          "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.send_rate = 10;
    h.apply({wanted});
    h.disk.write("/l/a", lines(0, 50));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.rename("/l/a", "/l/a.1");
    h.pass(1s);
    h.running->stop_reading();
    h.settle();
    CHECK(h.running->drained());
    CHECK(h.running->sums().classes[static_cast<int>(checkpoint::byte_class::truncated_away)] == 0);
    h.check_ledger(lines(0, 50).size());
    h.restart();
    h.apply({wanted});
    h.pass(10s);
    CHECK(h.broker.values("t") == numbered(0, 50));
    h.check_ledger(lines(0, 50).size());
}

TEST_CASE("a file that comes while its target is being applied begins at 0", "[collector]") {
    host h;
    h.disk.write("/l/slow", "old\n");
    h.disk.names.at("/l/slow")->cached = 0;  // holds the application up
    h.tick();
    h.running->apply({host::target("/l/slow"), host::target("/l/a")}, h.now);
    h.describe();
    h.running->turn(h.now);
    REQUIRE_FALSE(h.running->applied());
    h.disk.write("/l/a", "first\n");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.pass(1s);
    CHECK(h.broker.values("t") == strings{"first"});
}

TEST_CASE("a cache that ends before the position is no truncation", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 2000));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.names.at("/l/a")->cached = lines(0, 2000).size() - 10;
    h.wrote("/l/a", lines(2000, 2010));
    h.pass(1s);
    CHECK(h.running->counted().truncations == 0);
    CHECK(h.broker.values("t") == numbered(0, 2010));
}

TEST_CASE("a file that a glob found and that is gone is forgotten", "[collector]") {
    host h;
    h.apply({host::target("/l/*.log")});
    h.disk.write("/l/a.log", "one\n");
    h.changed(os::inotify::change::appeared, "/l/a.log");
    h.settle();
    h.disk.remove("/l/a.log");
    h.changed(os::inotify::change::vanished, "/l/a.log");
    h.pass(40s);
    CHECK(h.broker.values("t") == strings{"one"});
    CHECK(h.running->file_count() == 0);
}

TEST_CASE("a deleted file is read to its end and then forgotten", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.write("/l/a", "last words");
    h.disk.remove("/l/a");
    h.changed(os::inotify::change::vanished, "/l/a");
    h.pass(20s);
    auto expected = numbered(0, 3);
    expected.push_back("last words");
    CHECK(h.broker.values("t") == expected);
    CHECK(h.store.state().generations.empty());
    h.check_ledger(lines(0, 3).size() + 10);
}

TEST_CASE("a truncated file is a new generation from 0", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    const auto before = h.store.state().generations.begin()->first;
    h.disk.truncate("/l/a", 0);
    h.wrote("/l/a", "x\n");
    h.settle();
    CHECK(h.broker.values("t").back() == "x");
    CHECK(h.broker.stored.back().key.find(before.text()) == std::string::npos);
    CHECK(h.running->counted().truncations == 1);
}

TEST_CASE("a file that was rewritten past the position is noticed by its bytes", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.truncate("/l/a", 0);
    h.wrote("/l/a", lines(100, 120));
    h.settle();
    auto expected = numbered(0, 5);
    for (const auto& each : numbered(100, 120))
        expected.push_back(each);
    CHECK(h.broker.values("t") == expected);
}

TEST_CASE("inode reuse does not resume at a stale offset", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.restart();
    h.disk.remove("/l/a");
    h.disk.write("/l/a", lines(0, 7));
    h.apply({host::target("/l/a")});
    CHECK(h.broker.values("t").size() == 12);
}

TEST_CASE("a failed record is sent again with everything behind it", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    bool failed = false;
    h.broker.judge = [&](const auto& record) {
        if (record.value != "line 2" || failed) return kafka::error::none;
        failed = true;
        return kafka::error::throttling_quota_exceeded;
    };
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.pass(1s);
    const auto values = h.broker.values("t");
    const auto last = strings(values.end() - 3, values.end());
    CHECK(last == numbered(2, 5));
    CHECK(h.running->counted().rewinds == 1);
    h.check_ledger(lines(0, 5).size());
}

TEST_CASE("one record that Kafka refuses ends as a dead letter, the others arrive", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.broker.judge = [](const auto& record) {
        return record.topic == "t" && record.value == "line 2" ? kafka::error::message_too_large
                                                               : kafka::error::none;
    };
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.pass(2s);
    REQUIRE(h.broker.values("t.dead") == strings{"line 2"});
    const auto values = h.broker.values("t");
    for (const auto& each : {"line 0", "line 1", "line 3", "line 4"})
        CHECK(std::count(values.begin(), values.end(), each) >= 1);
    const auto letter = std::find_if(h.broker.stored.begin(), h.broker.stored.end(),
                                     [](const auto& each) { return each.topic == "t.dead"; });
    CHECK(letter->headers.size() == 2);
    CHECK(h.running->drained());
    CHECK(h.running->sums().classes[static_cast<int>(checkpoint::byte_class::dead_letter)] == 7);
    h.check_ledger(lines(0, 5).size());
}

TEST_CASE("a topic that is unknown parks its files while others flow", "[collector]") {
    host h;
    h.topic_errors["t"] = kafka::error::unknown_topic_or_partition;
    h.apply({host::target("/l/a"), host::target("/l/b", "u")});
    h.disk.write("/l/a", "parked\n");
    h.disk.write("/l/b", "flows\n");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.changed(os::inotify::change::appeared, "/l/b");
    h.settle();
    CHECK(h.broker.values("u") == strings{"flows"});
    CHECK(h.broker.values("t").empty());
    CHECK_FALSE(h.running->problems().empty());
    h.topic_errors.clear();
    h.pass(5s);
    CHECK(h.broker.values("t") == strings{"parked"});
    CHECK(h.broker.stored.back().careful);
    CHECK(h.running->problems().empty());
}

TEST_CASE("after the client died everything unreported is sent again", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle(0);
    h.broker.main.report(1);
    h.broker.main.abandon();
    h.pass(1s);
    const auto values = h.broker.values("t");
    CHECK(strings(values.end() - 4, values.end()) == numbered(1, 5));
    h.check_ledger(lines(0, 5).size());
}

TEST_CASE("a client that takes nothing loses nothing", "[collector]") {
    host h;
    h.broker.refuses_all = true;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.pass(1s);
    h.broker.refuses_all = false;
    h.pass(1s);
    CHECK(h.broker.values("t") == numbered(0, 5));
}

TEST_CASE("in flight bytes stay below the budget while nothing is acknowledged", "[collector]") {
    host h;
    h.options.in_flight_bytes = 2 << 20;
    h.start();
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    h.disk.write("/l/a", lines(0, 300'000));
    h.running->apply({wanted}, h.now);
    h.settle(0);
    CHECK(h.running->in_flight().used() <= (2 << 20) + 2 * delivery::chunk_pool::large);
    const auto held = h.broker.main.outstanding();
    CHECK(held > 0);
    h.settle();
    CHECK(h.broker.values("t") == numbered(0, 300'000));
}

TEST_CASE("a rate delays lines and drops none", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.send_rate = 100;
    h.apply({wanted});
    h.disk.write("/l/a", lines(0, 2000));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.pass(10s);
    CHECK(h.broker.stored.size() >= 980);
    CHECK(h.broker.stored.size() <= 1020);
    wanted.send_rate = 0;
    h.apply({wanted});
    h.settle();
    CHECK(h.broker.values("t") == numbered(0, 2000));
}

TEST_CASE("a changed entry keeps generation and offset", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    auto wanted = host::target("/l/a");
    wanted.service = "renamed";
    h.apply({wanted});
    h.wrote("/l/a", "next\n");
    h.settle();
    CHECK(h.store.state().generations.size() == 1);
    CHECK(h.broker.stored.back().key.starts_with("[\"h\",\"renamed\""));
    CHECK(h.broker.stored.size() == 4);
}

TEST_CASE("a target that returns resumes at its position", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.apply({});
    h.disk.write("/l/a", lines(3, 6));
    h.settle();
    CHECK(h.broker.stored.size() == 3);
    h.apply({host::target("/l/a")});
    h.settle();
    CHECK(h.broker.values("t") == numbered(0, 6));
}

TEST_CASE("an edited topic begins at the old target's position", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.write("/l/a", lines(3, 6));
    h.apply({host::target("/l/a", "u")});
    h.settle();
    CHECK(h.broker.values("u") == numbered(3, 6));
}

TEST_CASE("a glob finds files that are there and files that come", "[collector]") {
    host h;
    auto wanted = host::target("/l/*.log");
    wanted.start = fleet::start_at::start;
    wanted.exclude = {"skip*"};
    h.disk.write("/l/a.log", "a\n");
    h.disk.write("/l/skip.log", "no\n");
    h.disk.write("/l/a.txt", "no\n");
    h.apply({wanted});
    h.disk.write("/l/b.log", "b\n");
    h.changed(os::inotify::change::appeared, "/l/b.log");
    h.settle();
    CHECK(h.broker.values("t") == strings{"a", "b"});
}

TEST_CASE("a rotated file that the glob reaches is not read twice", "[collector]") {
    host h;
    h.apply({host::target("/l/a*")});
    h.disk.write("/l/a", lines(0, 4));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.rename("/l/a", "/l/a.1");
    h.disk.write("/l/a", lines(4, 6));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.pass(90s);
    CHECK(h.broker.values("t") == numbered(0, 6));
    h.restart();
    h.apply({host::target("/l/a*")});
    CHECK(h.broker.values("t") == numbered(0, 6));
}

TEST_CASE("an oversize line is cut, counted, and its neighbours arrive", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    wanted.max_line_bytes = 1000;
    wanted.key = fleet::key_kind::none;
    const std::string giant(3'000'000, 'x');
    h.disk.write("/l/a", "before\n" + giant + "\nafter\n");
    h.apply({wanted});
    const auto values = h.broker.values("t");
    REQUIRE(values.size() == 3);
    CHECK(values[0] == "before");
    CHECK(values[1] == std::string(1000 - 128, 'x'));
    CHECK(values[2] == "after");
    h.check_ledger(giant.size() + 14);
}

TEST_CASE("an oversize line can go to the dead letter topic instead", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    wanted.max_line_bytes = 1000;
    wanted.oversize = fleet::oversize_policy::dead_letter;
    h.disk.write("/l/a", "before\n" + std::string(5000, 'x') + "\nafter\n");
    h.apply({wanted});
    h.pass(2s);
    CHECK(h.broker.values("t") == strings{"before", "after"});
    REQUIRE(h.broker.values("t.dead").size() == 1);
    h.check_ledger(5001 + 13);
}

TEST_CASE("lost events are made up for by the sweep", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.pass(31s);
    CHECK(h.broker.values("t") == numbered(0, 3));
}

TEST_CASE("a file outside the policy is denied and others go on", "[collector]") {
    host h;
    h.disk.denied.insert("/l/secret");
    h.disk.write("/l/secret", "s\n");
    h.apply({host::target("/l/secret"), host::target("/l/a")});
    h.disk.write("/l/a", "fine\n");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    CHECK(h.broker.values("t") == strings{"fine"});
    std::string state;
    h.running->visit_files({}, 10, h.now.steady, [&](const file_view& file) {
        if (file.path == "/l/secret") state = file.state;
    });
    CHECK(state == "denied");
}

TEST_CASE("once ends when everything is read and acknowledged", "[collector]") {
    host h;
    h.options.once = true;
    h.start();
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    h.disk.write("/l/a", "one\ntwo");
    h.running->apply({wanted}, h.now);
    h.settle(0);
    CHECK_FALSE(h.running->finished());
    h.settle();
    CHECK(h.running->finished());
    CHECK(h.broker.values("t") == strings{"one", "two"});
}

TEST_CASE("where the page cache ends no line is torn and no file ends", "[collector]") {
    host h;
    const bool rotated = GENERATE(false, true);
    h.options.once = !rotated;
    h.start();
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    h.disk.write("/l/a", lines(0, 5000));
    h.disk.names.at("/l/a")->cached = 8192;
    REQUIRE(lines(0, 5000)[8191] != '\n');
    h.running->apply({wanted}, h.now);
    h.settle(rotated ? 1 : 1'000'000);
    if (rotated) h.rename("/l/a", "/l/a.1");
    h.pass(20s);
    CHECK(h.broker.values("t") == numbered(0, 5000));
    if (!rotated) CHECK(h.running->finished());
}

}  // namespace
}  // namespace logagent::tail
