#include "logagent/tail/collector.hpp"

#include <algorithm>
#include <set>

#include "host.hpp"

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

TEST_CASE("memory is given back once after a burst, when it is acknowledged", "[collector]") {
    host h;
    h.start();
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    h.disk.write("/l/a", lines(0, 100'000));
    h.running->apply({wanted}, h.now);
    h.settle(0);
    REQUIRE(h.running->in_flight().used() > 2 << 20);
    CHECK_FALSE(h.running->calm_after_burst());
    h.settle();
    CHECK(h.running->calm_after_burst());
    CHECK_FALSE(h.running->calm_after_burst());
    h.wrote("/l/a", "little\n");
    h.settle();
    CHECK_FALSE(h.running->calm_after_burst());
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

TEST_CASE("the state knows no more of a generation than of the ones before it", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.rename("/l/a", "/l/a.1");
    h.disk.write("/l/a", lines(3, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.restart(false);  // after the write that made the second generation known
    h.apply({host::target("/l/a")});
    auto expected = numbered(0, 5);
    expected.push_back("line 3");
    expected.push_back("line 4");
    CHECK(h.broker.values("t") == expected);
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

TEST_CASE("what waits to be sent is known however it waits, and whenever it came", "[collector]") {
    host h;
    const auto lag = [&h] {
        std::uint64_t bytes = 0;
        h.running->visit_files("", 10, h.now.steady,
                               [&](const tail::file_view& view) { bytes += view.lag_bytes; });
        return bytes;
    };
    SECTION("its topic takes nothing") {
        h.topic_errors["t"] = kafka::error::unknown_topic_or_partition;
        h.apply({host::target("/l/a")});
        h.disk.write("/l/a", "");
        h.changed(os::inotify::change::appeared, "/l/a");
        h.settle();
        h.wrote("/l/a", "four\n");
        h.settle();
        CHECK(lag() == 5);
    }
    SECTION("it is throttled") {
        auto slow = host::target("/l/a");
        slow.send_rate = 1;
        h.apply({slow});
        h.disk.write("/l/a", lines(0, 10));
        h.changed(os::inotify::change::appeared, "/l/a");
        h.settle();
        const auto before = lag();
        h.wrote("/l/a", lines(10, 20));
        h.settle();
        CHECK(lag() == before + lines(10, 20).size());
    }
}

TEST_CASE("a truncation is noticed while nothing may be sent", "[collector]") {
    host h;
    auto slow = host::target("/l/a");
    slow.send_rate = 1;
    h.apply({slow});
    h.disk.write("/l/a", lines(0, 10));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.disk.truncate("/l/a", 0);
    h.wrote("/l/a", "x\n");
    h.settle();
    CHECK(h.running->counted().truncations == 1);
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

TEST_CASE("the ceiling of the host is shared by bytes, whatever the lines look like",
          "[collector]") {
    host h;
    h.options.max_send_rate_bytes = 30'000;
    h.start();
    std::vector<fleet::log_target> wanted;
    std::map<std::string, std::size_t> line_size{{"t", 20}, {"u", 200}, {"v", 1000}};
    h.partitions["v"] = 1;
    for (const auto& [topic, size] : line_size) {
        h.disk.write("/l/" + topic, "");
        wanted.push_back(host::target("/l/" + topic, topic));
    }
    h.apply(wanted);
    for (const auto& [topic, size] : line_size) {
        std::string text;
        while (text.size() < 500'000)
            text += std::string(size - 1, 'x') + "\n";
        h.wrote("/l/" + topic, text);
    }
    h.pass(30s);
    std::vector<double> sent;
    double all = 0;
    for (const auto& [topic, size] : line_size) {
        sent.push_back(static_cast<double>(h.broker.values(topic).size() * size));
        all += sent.back();
    }
    CHECK(all == Approx(900'000).epsilon(0.02));
    CHECK(*std::ranges::min_element(sent) > 0.8 * *std::ranges::max_element(sent));
}

TEST_CASE("a throttled file holds up nobody and takes no room", "[collector]") {
    host h;
    auto slow = host::target("/l/slow");
    slow.send_rate = 10;
    h.apply({slow, host::target("/l/fast", "u")});
    h.disk.write("/l/slow", lines(0, 50'000));
    h.changed(os::inotify::change::appeared, "/l/slow");
    h.settle();
    h.disk.write("/l/fast", lines(0, 50'000));
    h.changed(os::inotify::change::appeared, "/l/fast");
    h.settle();  // without any time passing
    CHECK(h.broker.values("u") == numbered(0, 50'000));
    CHECK(h.broker.values("t").size() == 1);
    CHECK(h.running->in_flight().used() < 200'000);
}

TEST_CASE("an exact path beats a glob, and a longer prefix a shorter one", "[collector]") {
    host h;
    h.disk.write("/l/web/a.log", "old\n");
    auto wide = host::target("/l/**/*.log");
    auto narrow = host::target("/l/web/*.log");
    auto exact = host::target("/l/web/a.log");
    wide.service = "wide";
    narrow.service = "narrow";
    exact.service = "exact";
    const auto service_of_next = [&] {
        h.wrote("/l/web/a.log", "x\n");
        h.settle();
        const auto& key = h.broker.stored.back().key;
        return key.substr(6, key.find('"', 6) - 6);
    };
    h.apply({wide, narrow, exact});
    CHECK(service_of_next() == "exact");
    h.apply({wide, narrow});
    CHECK(service_of_next() == "narrow");
    h.apply({wide, exact});
    CHECK(service_of_next() == "exact");
    h.apply({wide});
    CHECK(service_of_next() == "wide");
    CHECK(h.broker.stored.size() == 4);
    CHECK(h.store.state().generations.size() == 1);
}

TEST_CASE("a file that an entry excludes from now on is collected no longer", "[collector]") {
    host h;
    auto wanted = host::target("/l/*.log");
    h.disk.write("/l/a.log", "old\n");
    h.disk.write("/l/b.log", "old\n");
    h.apply({wanted});
    wanted.exclude = {"b*"};
    h.apply({wanted});
    h.wrote("/l/a.log", "a\n");
    h.wrote("/l/b.log", "b\n");
    h.settle();
    CHECK(h.broker.values("t") == strings{"a"});
    wanted.exclude = {};
    h.apply({wanted});
    h.settle();
    CHECK(h.broker.values("t") == strings{"a", "b"});
}

TEST_CASE("a search for files ends with the target it was for", "[collector]") {
    host h;
    for (int i = 0; i < 100; ++i)
        h.disk.write("/l/" + std::to_string(i) + "/a.log", "old\n");
    h.tick();
    h.running->apply({host::target("/l/**/a.log")}, h.now);
    h.running->turn(h.now);  // some of the directories
    SECTION("a target that is gone claims nothing more") {
        h.apply({});
        CHECK(h.running->file_count() == 0);
    }
    SECTION("a target that has changed holds with its new values for every file") {
        auto changed = host::target("/l/**/a.log");
        changed.send_rate = 7;
        h.apply({changed});
        std::size_t files = 0;
        h.running->visit_files({}, 1000, h.now.steady, [&](const file_view& file) {
            ++files;
            CHECK(file.send_rate == 7);
        });
        CHECK(files == 100);
    }
}

TEST_CASE("files beyond the limit of a host are told, for as long as they wait", "[collector]") {
    host h;
    h.options.most_files = 2;
    h.start();
    const auto told = [&] {
        for (const auto& [code, text] : h.running->problems())
            if (code == "too_many_files") return text;
        return std::string{};
    };
    h.apply({host::target("/l/a"), host::target("/l/b"), host::target("/l/c")});
    CHECK(h.running->file_count() == 2);
    CHECK(told().starts_with("1 "));
    h.pass(60s);  // over a sweep
    CHECK(told().starts_with("1 "));
    h.apply({host::target("/l/b"), host::target("/l/c")});
    CHECK(told().empty());
    h.disk.write("/l/c", "c\n");
    h.changed(os::inotify::change::appeared, "/l/c");
    h.settle();
    CHECK(h.broker.values("t") == strings{"c"});
}

TEST_CASE("one turn does a bounded piece of work, however much there is", "[collector]") {
    host h;
    auto wanted = host::target("/l/*");
    wanted.start = fleet::start_at::start;
    const auto sums = [&] {
        std::pair<std::size_t, std::uint64_t> opened_and_read;
        h.running->visit_files({}, 10'000, h.now.steady, [&](const file_view& file) {
            opened_and_read.first += !file.generation.empty();
            opened_and_read.second += file.read_offset;
        });
        return opened_and_read;
    };
    SECTION("many files") {
        for (int i = 0; i < 1000; ++i)
            h.disk.write("/l/" + std::to_string(i), "x\n");
        h.tick();
        h.running->apply({wanted}, h.now);
        std::size_t before = 0;
        for (int turn = 0; turn < 100; ++turn) {
            h.running->turn(h.now);
            h.describe();
            const auto [opened, read] = sums();
            CHECK(opened - before <= 64);
            before = opened;
        }
        CHECK(before == 1000);
    }
    SECTION("a large file") {
        std::string text;
        while (text.size() < 20'000'000)
            text += std::string(999, 'x') + "\n";
        h.disk.write("/l/a", text);
        h.tick();
        h.running->apply({wanted}, h.now);
        std::uint64_t before = 0;
        for (int turn = 0; turn < 20; ++turn) {
            h.running->turn(h.now);
            h.describe();
            const auto [opened, read] = sums();
            CHECK(read - before <= 16 * 256 * 1024);
            before = read;
        }
        CHECK(before > 5'000'000);
    }
}

TEST_CASE("directories are watched for as long as something in them is collected", "[collector]") {
    host h;
    h.apply({host::target("/l/a"), host::target("/l/b"), host::target("/m/c")});
    CHECK(h.watches.counts["/l"] > 0);
    CHECK(h.watches.counts["/m"] > 0);
    h.apply({host::target("/l/a")});
    CHECK(h.watches.counts["/l"] > 0);
    CHECK(h.watches.counts["/m"] == 0);
    h.apply({});
    CHECK(h.watches.counts["/l"] == 0);
}

TEST_CASE("a file keeps its partition over rotations, restarts and new partitions", "[collector]") {
    host h;
    h.partitions["t"] = 8;
    std::vector<fleet::log_target> wanted;
    for (int i = 0; i < 30; ++i)
        wanted.push_back(host::target("/l/" + std::to_string(i)));
    h.apply(wanted);
    const auto write_all = [&] {
        for (const auto& each : wanted) {
            h.disk.write(each.log_path, each.log_path + "\n");
            h.changed(os::inotify::change::appeared, each.log_path);
        }
        h.settle();
    };
    const auto chosen = [&](std::size_t from) {
        std::map<std::string, std::int32_t> found;
        for (std::size_t at = from; at < h.broker.stored.size(); ++at)
            found[h.broker.stored[at].value] = h.broker.stored[at].partition;
        return found;
    };
    write_all();
    const auto first = chosen(0);
    std::set<std::int32_t> used;
    for (const auto& [path, partition] : first)
        used.insert(partition);
    CHECK(first.size() == 30);
    CHECK(used.size() > 4);  // by hash, not all on one
    for (const auto& each : wanted)
        h.rename(each.log_path, each.log_path + ".1");
    write_all();
    CHECK(chosen(30) == first);
    h.restart();
    h.partitions["t"] = 16;
    h.apply(wanted);
    for (const auto& each : wanted)
        h.wrote(each.log_path, each.log_path + "\n");
    h.settle();
    CHECK(chosen(60) == first);
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

TEST_CASE("a file that a glob wants is found though it was rotated before anybody looked",
          "[collector]") {
    host h;
    h.apply({host::target("/l/*.log")});
    h.tick();
    for (int round = 0; round < 3; ++round) {
        h.disk.write("/l/a.log", lines(round, round + 1));
        h.changed(os::inotify::change::appeared, "/l/a.log");
        h.rename("/l/a.log", "/l/a.log." + std::to_string(round));
        h.pass(10s);
    }
    CHECK(h.broker.values("t") == numbered(0, 3));
    CHECK(h.running->file_count() == 0);
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

TEST_CASE("a glob passes over compressed files unless it names them", "[collector]") {
    host h;
    h.disk.write("/l/a.1.gz", "packed\n");
    h.apply({host::target("/l/*")});
    h.disk.write("/l/b.zst", "packed too\n");
    h.changed(os::inotify::change::appeared, "/l/b.zst");
    h.settle();
    CHECK(h.running->file_count() == 0);
    h.apply({host::target("/l/*.gz")});
    CHECK(h.running->file_count() == 1);
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

TEST_CASE("a dead letter that Kafka refuses for a minute is kept on the disk, or goes on waiting",
          "[collector]") {
    host h;
    h.partitions.erase("t.dead");
    strings kept;
    bool disk_takes_it = false;
    h.options.spill = [&](const dead_letter& letter) {
        if (disk_takes_it) kept.push_back(letter.topic + " " + letter.range + " " + letter.reason);
        return disk_takes_it;
    };
    h.start();
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    wanted.max_line_bytes = 1000;
    wanted.oversize = fleet::oversize_policy::dead_letter;
    h.disk.write("/l/a", "before\n" + std::string(5000, 'x') + "\nafter\n");
    h.apply({wanted});
    const auto acked = [&] {
        std::uint64_t offset = 0;
        h.running->visit_files({}, 1, h.now.steady,
                               [&](const file_view& file) { offset = file.acked_offset; });
        return offset;
    };
    disk_takes_it = true;
    h.pass(58s);
    CHECK(kept.empty());
    disk_takes_it = false;
    h.pass(10s);
    CHECK(acked() < 5008);  // the position does not pass what is nowhere
    CHECK_FALSE(h.running->drained());
    disk_takes_it = true;
    h.pass(2s);
    CHECK(kept == strings{"t.dead 7-5008 oversize"});
    CHECK(acked() == 5014);
    CHECK(h.running->drained());
    CHECK(h.broker.values("t") == strings{"before", "after"});
    h.check_ledger(5014);
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

TEST_CASE("a target that is stopped gives back what its failed records were charged with",
          "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    const auto before = h.running->in_flight().used();
    h.broker.judge = [](const auto& record) {
        return record.value == "line 1" ? kafka::error::topic_authorization_failed
                                        : kafka::error::none;
    };
    h.topic_errors["t"] = kafka::error::topic_authorization_failed;
    h.disk.write("/l/a", lines(0, 500));
    h.changed(os::inotify::change::appeared, "/l/a");
    const bool reported = GENERATE(true, false);  // before the stop, or after it
    h.settle(reported ? 1'000'000 : 0);
    h.apply({});
    h.pass(40s);
    CHECK(h.running->in_flight().used() <= before + delivery::chunk_pool::small);
}

TEST_CASE("a topic with fewer partitions than before takes the lines again", "[collector]") {
    host h;
    h.partitions["t"] = 64;
    std::vector<fleet::log_target> wanted;
    for (int at = 0; at < 8; ++at)
        wanted.push_back(host::target("/l/" + std::to_string(at)));
    h.apply(wanted);
    for (int at = 0; at < 8; ++at)
        h.wrote("/l/" + std::to_string(at), "first\n");
    h.pass(31s);
    REQUIRE(h.broker.values("t").size() == 8);
    h.partitions["t"] = 1;
    h.pass(70s);
    for (int at = 0; at < 8; ++at)
        h.wrote("/l/" + std::to_string(at), "second\n");
    h.pass(5s);
    CHECK(h.broker.values("t").size() == 16);
}

TEST_CASE("what is masked stays masked in the dead letter topic", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.mask = {{"secret=[0-9]+", "secret=***"}};
    wanted.max_line_bytes = 1000;
    wanted.oversize = fleet::oversize_policy::dead_letter;
    h.apply({wanted});
    h.broker.judge = [](const auto& record) {
        return record.topic == "t" && record.value.starts_with("refused")
                   ? kafka::error::invalid_record
                   : kafka::error::none;
    };
    h.disk.write("/l/a", "secret=123 " + std::string(2000, 'x') + "\nrefused secret=456\n");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.pass(5s);
    const auto letters = h.broker.values("t.dead");
    CHECK(std::set<std::string>(letters.begin(), letters.end()).size() == 2);
    for (const auto& letter : letters) {
        CHECK(letter.find("secret=***") != std::string::npos);
        CHECK(letter.find("123") == std::string::npos);
        CHECK(letter.find("456") == std::string::npos);
    }
}

TEST_CASE("JSON lines that a parked topic has held up arrive once it takes them", "[collector]") {
    host h;
    h.topic_errors["t"] = kafka::error::unknown_topic_or_partition;
    auto wanted = host::target("/l/a");
    wanted.format = fleet::record_format::json;
    h.apply({wanted});
    h.disk.write("/l/a", lines(0, 20'000));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.topic_errors.clear();
    h.broker.refuses_all = GENERATE(false, true);
    h.pass(5s);
    h.broker.refuses_all = false;
    h.pass(5s);
    CHECK(h.broker.values("t").size() == 20'000);
    CHECK(h.running->drained());
    h.check_ledger(lines(0, 20'000).size());
}

TEST_CASE("a truncated file begins at 0 though it is older than its target", "[collector]") {
    host h;
    h.disk.write("/l/a", lines(0, 5));
    h.apply({host::target("/l/a")});
    h.wrote("/l/a", lines(5, 10));
    h.settle();
    REQUIRE(h.broker.values("t") == numbered(5, 10));
    h.disk.truncate("/l/a", 0);
    h.wrote("/l/a", lines(10, 12));
    h.pass(1s);
    CHECK(h.broker.values("t") == numbered(5, 12));
}

TEST_CASE("a refused record beside oversize lines ends as one dead letter of its own",
          "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.max_line_bytes = 1000;
    wanted.oversize = fleet::oversize_policy::dead_letter;
    h.apply({wanted});
    h.broker.judge = [](const auto& record) {
        return record.topic == "t" && record.value == "refused" ? kafka::error::invalid_record
                                                                : kafka::error::none;
    };
    const std::string giant(2000, 'x');
    h.disk.write("/l/a", "one\n" + giant + "\n\nrefused\n" + giant + "\ntwo\n");
    h.changed(os::inotify::change::appeared, "/l/a");
    h.pass(10s);
    const auto letters = h.broker.values("t.dead");
    CHECK(std::count(letters.begin(), letters.end(), "refused") == 1);
    for (const auto& letter : letters)
        CHECK((letter == "refused" || letter == giant));
    const auto values = h.broker.values("t");
    CHECK(std::count(values.begin(), values.end(), "one") >= 1);
    CHECK(std::count(values.begin(), values.end(), "two") >= 1);
    CHECK(h.running->drained());
    h.check_ledger(4 + 2001 + 1 + 8 + 2001 + 4);
}

TEST_CASE("a file that cannot be read at the start of the agent is no other file", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.disk.write("/l/a", lines(0, 5));
    h.changed(os::inotify::change::appeared, "/l/a");
    h.settle();
    h.restart();
    h.disk.names.at("/l/a")->failing = EIO;
    h.tick();
    h.running->apply({host::target("/l/a")}, h.now);
    h.pass(1s);
    h.disk.names.at("/l/a")->failing = 0;
    h.wrote("/l/a", lines(5, 7));
    h.pass(40s);
    CHECK(h.broker.values("t") == numbered(0, 7));
}

TEST_CASE("a file that an edited entry excludes is not collected any more", "[collector]") {
    host h;
    auto wanted = host::target("/l/*.log");
    h.apply({wanted});
    h.disk.write("/l/a.log", "a\n");
    h.disk.write("/l/b.log", "b\n");
    h.pass(31s);
    REQUIRE(h.broker.values("t").size() == 2);
    wanted.exclude = {"/l/b.*"};
    h.apply({wanted});
    h.wrote("/l/a.log", "more of a\n");
    h.wrote("/l/b.log", "private\n");
    h.pass(1s);
    CHECK(h.broker.values("t").back() == "more of a");
    CHECK(h.broker.values("t").size() == 3);
}

TEST_CASE("a directory that is replaced is watched again", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    REQUIRE(h.watches.counts["/l"] == 1);
    h.watches.counts["/l"] = 0;  // the kernel ends the watch of the old one
    h.running->changed(os::inotify::change::unwatched, "/l", {}, h.now);
    h.pass(1s);
    CHECK(h.watches.counts["/l"] == 1);
}

TEST_CASE("a file that takes the place of another begins at 0 though it is older than the target",
          "[collector]") {
    host h;
    h.disk.write("/l/a", "old\n");
    h.disk.write("/l/next", "first\n");
    h.apply({host::target("/l/a")});
    h.rename("/l/a", "/l/a.1");
    h.rename("/l/next", "/l/a");
    h.pass(10s);
    CHECK(h.broker.values("t") == strings{"first"});
}

TEST_CASE("a file that cannot be opened now is tried once a second, whatever happens around it",
          "[collector]") {
    host h;
    h.disk.write("/l/a", "old\n");
    h.disk.busy.insert("/l/a");
    h.apply({host::target("/l/a")});
    for (int event = 0; event < 9; ++event) {
        h.changed(os::inotify::change::attributes, "/l/a");
        h.pass(100ms);
    }
    const auto before = h.disk.opens;
    h.pass(10s);
    CHECK(h.disk.opens - before >= 9);
    CHECK(h.disk.opens - before <= 11);
}

TEST_CASE("a client that takes nothing is not asked all the time", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.broker.refuses_all = true;
    h.wrote("/l/a", lines(0, 5));
    h.pass(10s);
    CHECK(h.broker.refusals <= 60);
    h.broker.refuses_all = false;
    h.pass(1s);
    CHECK(h.broker.values("t") == numbered(0, 5));
}

TEST_CASE("a dead letter that arrives opens no topic that was parked", "[collector]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.max_line_bytes = 1000;
    wanted.oversize = fleet::oversize_policy::dead_letter;
    h.topic_errors["t"] = kafka::error::topic_authorization_failed;
    h.apply({wanted});
    h.wrote("/l/a", std::string(2000, 'x') + "\nline\n");
    h.pass(1s);
    h.topic_errors.clear();
    bool main_tried = false;
    h.broker.judge = [&](const auto& record) {
        if (record.topic != "t") return kafka::error::none;
        main_tried = main_tried || !record.careful;
        return kafka::error::topic_authorization_failed;
    };
    h.pass(10s);
    CHECK(h.broker.values("t.dead").size() >= 1);
    CHECK_FALSE(main_tried);
}

TEST_CASE("dead letters go to the disk a few at a time", "[collector]") {
    host h;
    int asked = 0, most = 0;
    bool full = true;
    h.options.spill = [&](const dead_letter&) {
        ++asked;
        return !full;
    };
    h.partitions["t.dead"] = 0;
    h.start();
    auto wanted = host::target("/l/a");
    wanted.max_line_bytes = 1000;
    wanted.oversize = fleet::oversize_policy::dead_letter;
    h.apply({wanted});
    std::string giants;
    for (int at = 0; at < 50; ++at)
        giants += std::string(2000, 'x') + "\n";
    h.wrote("/l/a", giants);
    h.pass(70s);
    CHECK(asked >= 50);
    CHECK_FALSE(h.running->drained());  // the disk has taken nothing
    full = false;
    for (int turn = 0; turn < 200; ++turn) {
        h.now.steady += 100ms;
        asked = 0;
        h.running->turn(h.now);
        most = std::max(most, asked);
    }
    CHECK(most <= 2);
    CHECK(h.running->drained());
}

TEST_CASE("a deleted file that goes to two topics is kept until both have it", "[collector]") {
    host h;
    h.apply({host::target("/l/a"), host::target("/l/a", "u")});
    h.wrote("/l/a", lines(0, 5));
    h.settle();
    h.topic_errors["u"] = kafka::error::topic_authorization_failed;
    h.broker.judge = [&](const auto& record) {
        return record.topic == "u" && !h.topic_errors.empty()
                   ? kafka::error::topic_authorization_failed
                   : kafka::error::none;
    };
    h.wrote("/l/a", lines(5, 10));
    h.running->save_positions();
    h.disk.remove("/l/a");
    h.changed(os::inotify::change::vanished, "/l/a");
    h.pass(20s);
    REQUIRE(h.broker.values("t") == numbered(0, 10));
    h.check_ledger(2 * lines(0, 10).size());
    CHECK(h.store.state().generations.size() == 1);
    h.topic_errors.clear();
    h.pass(20s);
    CHECK(h.broker.values("u") == numbered(0, 10));
    h.check_ledger(2 * lines(0, 10).size());
    CHECK(h.store.state().generations.empty());
    CHECK(h.store.state().positions.empty());
}

TEST_CASE("a further topic for a file at a restart has a beginning of its own", "[collector]") {
    host h;
    h.apply({host::target("/l/a")});
    h.wrote("/l/a", lines(0, 5));
    h.settle();
    h.restart();
    auto further = host::target("/l/a", "a");
    further.start = fleet::start_at::start;
    h.partitions["a"] = 1;
    h.apply({further, host::target("/l/a")});
    CHECK(h.broker.values("a") == numbered(0, 5));
    CHECK(h.broker.values("t") == numbered(0, 5));
}

TEST_CASE("a topic that no target names any more is no problem and not asked about",
          "[collector]") {
    host h;
    h.topic_errors["t"] = kafka::error::unknown_topic_or_partition;
    h.apply({host::target("/l/a"), host::target("/l/b", "u")});
    h.pass(1s);
    REQUIRE_FALSE(h.running->problems().empty());
    h.apply({host::target("/l/b", "u")});
    CHECK(h.running->problems().empty());
    h.now.steady += 100s;
    CHECK(h.running->due_topics(h.now) == strings{"u"});
    h.apply({host::target("/l/a"), host::target("/l/b", "u")});
    CHECK_FALSE(h.running->problems().empty());
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
