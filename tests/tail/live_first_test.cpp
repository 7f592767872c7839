// Targets with "overload": "live_first": what is passed over, and when it is sent.
#include <algorithm>
#include <set>

#include "host.hpp"
#include "support/packed_bytes.hpp"

namespace logagent::test {
namespace {

using namespace std::chrono_literals;
using checkpoint::byte_class;
using change = os::inotify::change;

constexpr int old_lines = 1000;

fleet::log_target slow(std::uint64_t rate = 20) {
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    wanted.send_rate = rate;
    wanted.overload = fleet::overload_policy::live_first;
    return wanted;
}

struct live_host : host {
    std::uint64_t hole_bytes() const {
        std::uint64_t bytes = 0;
        running->visit_files({}, 100, now.steady,
                             [&](const tail::file_view& file) { bytes += file.hole_bytes; });
        return bytes;
    }
    void turn_once() {
        now.steady += 10ms;
        running->turn(now);
        broker.main.report(1);
    }
    std::size_t arrived() const { return broker.values("t").size(); }
    bool has(int number) const {
        const auto all = broker.values("t");
        return std::find(all.begin(), all.end(), "line " + std::to_string(number)) != all.end();
    }
    std::uint64_t loss() const {
        const auto sums = running->sums();
        std::uint64_t bytes = 0;
        for (const auto kind : {byte_class::truncated_away, byte_class::abandoned,
                                byte_class::vanished, byte_class::stopped})
            bytes += sums.classes[static_cast<std::size_t>(kind)];
        return bytes;
    }
    /// All lines are there, each of them once.
    void check_all(int to) {
        auto found = broker.values("t");
        auto wanted = numbered(0, to);
        std::sort(found.begin(), found.end());
        std::sort(wanted.begin(), wanted.end());
        CHECK(found == wanted);
    }
    void check_none_missing(int to) {
        const auto all = broker.values("t");
        const std::set<std::string> found(all.begin(), all.end());
        for (const auto& each : numbered(0, to))
            CHECK(found.contains(each));
    }
    /// A backlog of old lines, the newest one sent, and a hole between the first ones and that.
    void begin_with_hole() {
        disk.write("/l/a", lines(0, old_lines));
        apply({slow()});
        pass(200ms);
        wrote("/l/a", lines(old_lines, old_lines + 1));
        pass(200ms);
        REQUIRE(has(old_lines));
        REQUIRE(hole_bytes() > 1000);
    }
};

TEST_CASE("new lines are sent before the backlog of an overloaded file", "[live_first]") {
    live_host h;
    h.disk.write("/l/a", lines(0, old_lines));
    h.apply({slow()});
    auto last = h.hole_bytes();
    CHECK(last > 5000);
    std::uint64_t size = lines(0, old_lines).size();
    int next = old_lines;
    while (h.hole_bytes() > 0) {
        h.wrote("/l/a", lines(next, next + 1));
        size += lines(next, next + 1).size();
        h.pass(100ms);
        CHECK(h.has(next++));
        CHECK(h.hole_bytes() <= last);
        last = h.hole_bytes();
        h.check_ledger(size);
        REQUIRE(next < 3 * old_lines);
    }
    h.pass(1s);
    h.check_all(next);
    // 20 lines/s in all, the new ones included.
    CHECK(next > old_lines + 500);
    CHECK(h.loss() == 0);
}

TEST_CASE("order holds in front of the jump, within the hole and behind it", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    h.pass(70s);
    h.check_all(old_lines + 1);
    std::vector<int> numbers;
    for (const auto& each : h.broker.values("t"))
        numbers.push_back(std::stoi(each.substr(5)));
    const auto jump = std::adjacent_find(numbers.begin(), numbers.end(), std::greater<>{});
    const auto back = jump == numbers.end() ? jump : jump + 1;
    CHECK(std::is_sorted(back, numbers.end()));
}

TEST_CASE("a file that waits with block keeps its order", "[live_first]") {
    live_host h;
    h.disk.write("/l/a", lines(0, old_lines));
    auto wanted = slow();
    wanted.overload = fleet::overload_policy::block;
    h.apply({wanted});
    h.pass(1s);
    CHECK(h.hole_bytes() == 0);
    h.pass(70s);
    CHECK(h.broker.values("t") == numbered(0, old_lines));
}

TEST_CASE("a process that ends goes on with the newest lines and with the hole", "[live_first]") {
    for (const bool saved : {true, false}) {
        live_host h;
        h.begin_with_hole();
        h.running->save_positions();
        h.pass(2s);
        const auto before = h.hole_bytes();
        h.restart(saved);
        h.apply({slow()});
        // What one settled position tells is not asked for again.
        CHECK(h.hole_bytes() > 0);
        if (saved) CHECK(h.hole_bytes() <= before);
        h.wrote("/l/a", lines(old_lines + 1, old_lines + 2));
        h.pass(100ms);
        CHECK(h.has(old_lines + 1));
        h.pass(70s);
        h.check_none_missing(old_lines + 2);
        if (saved) h.check_all(old_lines + 2);
        CHECK(h.hole_bytes() == 0);
        CHECK(h.loss() == 0);
        h.check_ledger(lines(0, old_lines + 2).size());
    }
}

TEST_CASE("with block again holes are filled and no new ones made", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    auto wanted = slow();
    wanted.overload = fleet::overload_policy::block;
    h.apply({wanted});
    auto last = h.hole_bytes();
    CHECK(last > 0);
    h.wrote("/l/a", lines(old_lines + 1, 3 * old_lines));
    h.pass(1s);
    CHECK(h.hole_bytes() == last);  // the newest lines have all there is
    h.pass(250s);
    h.check_all(3 * old_lines);
}

TEST_CASE("a rotated file keeps its hole, and the next one does not wait for it", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    h.rename("/l/a", "/l/a.1");
    h.wrote("/l/a", lines(old_lines + 1, old_lines + 11));
    h.changed(change::appeared, "/l/a");
    h.pass(6s);
    CHECK(h.has(old_lines + 10));
    CHECK(h.hole_bytes() > 0);
    h.pass(70s);
    h.check_all(old_lines + 11);
    CHECK(h.hole_bytes() == 0);
    CHECK(h.disk.at("/l/a.1")->handles == 0);
}

TEST_CASE("holes of several generations are filled from the oldest on", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    for (int round = 0; round < 2; ++round) {
        const int from = (round + 1) * old_lines + 1;
        h.rename("/l/a", "/l/a." + std::to_string(2 - round));
        h.wrote("/l/a", lines(from, from + old_lines));
        h.changed(change::appeared, "/l/a");
        h.pass(300ms);
    }
    h.wrote("/l/a", lines(3 * old_lines + 1, 3 * old_lines + 2));
    h.pass(300ms);
    CHECK(h.has(3 * old_lines + 1));
    h.pass(250s);
    h.check_all(3 * old_lines + 2);
    for (const auto& [path, file] : h.disk.names)
        CHECK(file->handles == (path == "/l/a" ? 1 : 0));
}

TEST_CASE("a rotated file with a hole is found again after a stop", "[live_first]") {
    for (const bool packed : {false, true}) {
        live_host h;
        h.begin_with_hole();
        h.restart();
        h.disk.rename("/l/a", "/l/a.1");
        h.disk.write("/l/a", lines(old_lines + 1, old_lines + 11));
        if (packed) {
            h.disk.write("/l/a.1.gz", gzipped(h.disk.at("/l/a.1")->content));
            h.disk.remove("/l/a.1");
        }
        h.apply({slow()});
        h.pass(1s);
        CHECK(h.has(old_lines + 10));
        CHECK(h.arrived() < 100);
        h.pass(80s);
        h.check_all(old_lines + 11);
        CHECK(h.loss() == 0);
    }
}

TEST_CASE("what was copied and truncated is filled from the copy", "[live_first]") {
    for (const bool late : {false, true}) {
        live_host h;
        h.begin_with_hole();
        h.disk.write("/l/a.1", h.disk.at("/l/a")->content);
        if (late) {
            // Written after the copy was made, and read before the truncation.
            h.wrote("/l/a", lines(old_lines + 1, old_lines + 2));
            h.pass(200ms);
            REQUIRE(h.has(old_lines + 1));
        }
        h.disk.truncate("/l/a", 0);
        h.wrote("/l/a", lines(old_lines + 2, old_lines + 3));
        h.pass(300ms);
        CHECK(h.has(old_lines + 2));
        if (late) {
            h.restart();
            h.apply({slow()});
        }
        h.pass(250s);
        CHECK(h.loss() == 0);
        CHECK(h.hole_bytes() == 0);
        if (!late) h.broker.store({"t", 0, {}, "line " + std::to_string(old_lines + 1), {}, false});
        h.check_all(old_lines + 3);
    }
}

TEST_CASE("a hole whose file was truncated is counted as lost", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    const auto hole = h.hole_bytes();
    h.disk.truncate("/l/a", 0);
    h.wrote("/l/a", lines(5000, 5001));
    h.settle();
    const auto lost = h.loss();
    CHECK(lost > 0);
    CHECK(lost <= hole);
    h.pass(1s);
    CHECK(h.has(5000));
    h.check_ledger(lines(0, old_lines + 1).size() + lines(5000, 5001).size());
    REQUIRE(h.running->losses().size() == 1);
    CHECK(h.running->losses().begin()->second.bytes == lost);
}

TEST_CASE("a hole whose file was deleted for good is counted", "[live_first]") {
    live_host h;
    h.options.held_deleted_bytes = 100;
    h.restart();
    h.begin_with_hole();
    h.disk.remove("/l/a");
    h.changed(change::vanished, "/l/a");
    h.pass(40s);  // until the next sweep
    CHECK(h.loss() + h.running->sums().classes[static_cast<std::size_t>(byte_class::acked)] ==
          lines(0, old_lines + 1).size());
    h.check_ledger(lines(0, old_lines + 1).size());
}

TEST_CASE("a stopped target comes back to its hole", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    const auto hole = h.hole_bytes();
    h.apply({});
    h.check_ledger(lines(0, old_lines + 1).size());
    h.pass(1s);
    h.apply({slow()});
    CHECK(h.hole_bytes() > 0);
    CHECK(h.hole_bytes() <= hole);
    h.pass(70s);
    h.check_all(old_lines + 1);
}

TEST_CASE("under another topic a file goes on with its hole", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    auto other = slow();
    other.topic = "u";
    h.apply({other});
    h.wrote("/l/a", lines(old_lines + 1, old_lines + 2));
    h.pass(200ms);
    const auto newest = h.broker.values("u");
    CHECK(std::find(newest.begin(), newest.end(), "line " + std::to_string(old_lines + 1)) !=
          newest.end());
    h.pass(70s);
    auto all = h.broker.values("t");
    for (auto& each : h.broker.values("u"))
        all.push_back(each);
    auto wanted = numbered(0, old_lines + 2);
    std::sort(all.begin(), all.end());
    std::sort(wanted.begin(), wanted.end());
    CHECK(all == wanted);
}

TEST_CASE("failures are sent again within the hole and behind it", "[live_first]") {
    live_host h;
    int count = 0;
    h.broker.judge = [&](const auto&) {
        return ++count % 17 == 0 ? kafka::error::not_enough_replicas : kafka::error::none;
    };
    h.begin_with_hole();
    int next = old_lines + 1;
    for (int round = 0; round < 100; ++round) {
        h.wrote("/l/a", lines(next, next + 2));
        next += 2;
        h.pass(300ms);
    }
    h.broker.judge = [](const auto&) { return kafka::error::none; };
    h.pass(80s);
    h.check_none_missing(next);
    CHECK(h.hole_bytes() == 0);
    CHECK(h.running->drained());
    h.check_ledger(lines(0, next).size());
}

TEST_CASE("a client that is replaced leaves nothing of a hole behind", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    for (int round = 0; round < 5; ++round) {
        h.now.steady += 100ms;
        h.settle(0);
        h.broker.main.abandon(1);
    }
    h.pass(80s);
    h.check_none_missing(old_lines + 1);
    CHECK(h.running->drained());
}

TEST_CASE("once, a file and its holes are read to their end", "[live_first]") {
    live_host h;
    h.begin_with_hole();
    h.options.once = true;
    h.restart();
    h.apply({slow(0)});
    h.pass(1s);
    CHECK(h.running->finished());
    h.check_all(old_lines + 1);
}

TEST_CASE("a file that is always written too fast has few holes and loses nothing",
          "[live_first]") {
    live_host h;
    h.disk.write("/l/a", "");
    h.apply({slow()});
    int next = 0;
    for (int round = 0; round < 2000; ++round) {
        h.wrote("/l/a", lines(next, next + 10));
        next += 10;
        h.pass(100ms);
    }
    h.running->save_positions();
    const auto holes = h.store.state().positions.begin()->second.done.size() - 1;
    CHECK(holes > 1);
    CHECK(holes < 25);
    h.check_ledger(lines(0, next).size());
    auto fast = slow(0);
    h.apply({fast});
    h.pass(10s);
    h.check_all(next);
}

TEST_CASE("after an outage the newest lines come first without any limit", "[live_first]") {
    live_host h;
    h.disk.write("/l/a", lines(0, 10));
    h.apply({slow(0)});
    REQUIRE(h.arrived() == 10);
    std::string big;
    for (int at = 0; at < 12; ++at)
        big += std::string(900'000, 'x') + "\n";
    h.broker.refuses_all = true;
    h.wrote("/l/a", lines(10, 11));
    h.settle();
    h.wrote("/l/a", big + big);
    h.pass(15s);
    h.broker.refuses_all = false;
    while (h.hole_bytes() == 0)
        h.turn_once();
    h.wrote("/l/a", lines(11, 12));
    h.pass(1s);
    CHECK(h.arrived() == 12 + 24);
    const auto found = h.broker.values("t");
    const auto newest = std::find(found.begin(), found.end(), "line 11");
    REQUIRE(newest != found.end());
    CHECK(found.end() - newest > 24 / 2);
}

}  // namespace
}  // namespace logagent::test
