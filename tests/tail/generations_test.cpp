// Generations that left their path: found again, drained from elsewhere, forgotten, given up.
#include <cerrno>
#include <set>

#include "host.hpp"
#include "support/packed_bytes.hpp"

namespace logagent::tail {
namespace {

using namespace std::chrono_literals;
using checkpoint::byte_class;
using os::inotify;
using test::gzipped;
using test::host;
using test::lines;
using test::numbered;
using test::strings;

void compress(host& h, const std::string& path) {
    h.disk.write(path + ".gz", gzipped(h.disk.names.at(path)->content));
    h.disk.remove(path);
}

/// A host that has collected `count` lines of /l/a, the target's first file.
struct collecting : host {
    explicit collecting(int count, std::uint64_t rate = 0) {
        auto wanted = host::target("/l/a");
        wanted.send_rate = rate;
        apply({wanted});
        disk.write("/l/a", lines(0, count));
        changed(inotify::change::appeared, "/l/a");
        settle();
    }
    void rotate(const std::string& to, std::string_view content) {
        rename("/l/a", to);
        disk.write("/l/a", content);
        changed(inotify::change::appeared, "/l/a");
        settle();
    }
    void copytruncate(const std::string& to, std::string_view content) {
        disk.write(to, disk.names.at("/l/a")->content);
        disk.truncate("/l/a", 0);
        changed(inotify::change::appeared, to);
        changed(inotify::change::written, "/l/a");
        settle();
        wrote("/l/a", content);
        settle();
    }
    std::uint64_t bytes(byte_class kind) const {
        return running->sums().classes[static_cast<std::size_t>(kind)];
    }
    std::size_t generations() const { return store.state().generations.size(); }
};

TEST_CASE("a file that was compressed while the agent was down goes on at its position",
          "[generations]") {
    collecting h{3};
    h.restart();
    h.disk.write("/l/a", lines(3, 2000));
    const auto first = h.broker.stored[0].key;
    h.disk.rename("/l/a", "/l/a.1");
    compress(h, "/l/a.1");
    h.disk.write("/l/a", lines(2000, 2003));
    h.apply({host::target("/l/a")});
    h.pass(20s);
    CHECK(h.broker.values("t") == numbered(0, 2003));
    // The range and the generation are those of the file that was compressed.
    const auto key = first.substr(0, first.size() - 4) + std::to_string(lines(0, 3).size()) + "," +
                     std::to_string(lines(0, 4).size()) + "]";
    CHECK(h.broker.stored[3].key == key);
    CHECK(h.bytes(byte_class::acked) == lines(0, 2003).size());
    h.check_ledger(lines(0, 2003).size());
    h.restart();
    h.apply({host::target("/l/a")});
    h.pass(2min);
    CHECK(h.broker.values("t").size() == 2003);
}

TEST_CASE("a finished file that is compressed later is sent no second time and stays known",
          "[generations]") {
    collecting h{3};
    h.rotate("/l/a.1", lines(3, 5));
    h.pass(10s);
    compress(h, "/l/a.1");
    h.pass(3min);
    CHECK(h.broker.values("t") == numbered(0, 5));
    REQUIRE(h.generations() == 2);
    std::size_t packed = 0;
    for (const auto& [id, record] : h.store.state().generations)
        packed += record.packed ? 1 : 0;
    CHECK(packed == 1);
    h.disk.remove("/l/a.1.gz");
    h.pass(3min);
    CHECK(h.generations() == 1);
    h.check_ledger(lines(0, 5).size());
}

TEST_CASE("what copytruncate cut off before it was read is sent from the copy", "[generations]") {
    collecting h{100, 10};
    h.copytruncate("/l/a.1", lines(100, 103));
    h.pass(60s);
    CHECK(h.broker.values("t") == numbered(0, 103));
    CHECK(h.bytes(byte_class::truncated_away) == 0);
    h.check_ledger(lines(0, 103).size());
    // One generation is the copy, the other one the file.
    CHECK(h.generations() == 2);
    std::set<std::string> ids;
    for (const auto& record : h.broker.stored)
        ids.insert(record.key.substr(0, record.key.size() - 8));
    h.disk.remove("/l/a.1");
    h.pass(3min);
    CHECK(h.generations() == 1);
}

TEST_CASE("what a rewritten file holds later is not counted as lost", "[generations]") {
    host h;
    h.topic_errors["t"] = kafka::error::topic_authorization_failed;
    h.disk.write("/l/a", lines(0, 3));
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    h.apply({wanted});
    // No event tells of it, only that there is more than before.
    h.disk.truncate("/l/a", 0);
    h.disk.write("/l/a", lines(3, 30));
    h.pass(5s);
    h.topic_errors.clear();
    h.pass(60s);
    CHECK(h.broker.values("t") == numbered(3, 30));
    const auto sums = h.running->sums();
    CHECK(sums.classes[static_cast<std::size_t>(byte_class::truncated_away)] == lines(0, 3).size());
    h.check_ledger(lines(0, 30).size());
}

TEST_CASE("what was seen before a stop and is gone after it is counted", "[generations]") {
    host h;
    h.topic_errors["t"] = kafka::error::topic_authorization_failed;
    h.disk.write("/l/a", lines(0, 3));
    auto wanted = host::target("/l/a");
    wanted.start = fleet::start_at::start;
    h.apply({wanted});
    h.wrote("/l/a", lines(3, 5));
    h.pass(5s);
    h.restart();
    h.topic_errors.clear();
    h.disk.truncate("/l/a", 0);
    h.apply({wanted});
    h.wrote("/l/a", lines(5, 7));
    h.pass(60s);
    CHECK(h.broker.values("t") == numbered(5, 7));
    const auto sums = h.running->sums();
    CHECK(sums.classes[static_cast<std::size_t>(byte_class::truncated_away)] == lines(0, 5).size());
}

TEST_CASE("a file that was truncated and moved away while the agent was down has a copy",
          "[generations]") {
    collecting h{100, 10};
    h.restart();
    h.disk.write("/l/a.2", h.disk.names.at("/l/a")->content);
    h.disk.truncate("/l/a", 0);
    h.disk.rename("/l/a", "/l/a.1");
    h.disk.write("/l/a", lines(100, 103));
    h.apply({host::target("/l/a")});
    h.pass(60s);
    CHECK(h.broker.values("t") == numbered(0, 103));
    CHECK(h.bytes(byte_class::truncated_away) == 0);
    h.check_ledger(lines(0, 103).size());
}

TEST_CASE("a stopped target that returns knows the copy of a deleted file", "[generations]") {
    collecting h{3};
    h.apply({});
    compress(h, "/l/a");
    h.disk.rename("/l/a.gz", "/l/a.1.gz");
    h.pass(3min);
    CHECK(h.generations() == 1);
    h.disk.write("/l/a.1", lines(0, 3));  // unpacked by somebody
    h.disk.remove("/l/a.1.gz");
    h.pass(3min);
    h.disk.write("/l/a", lines(3, 5));
    h.apply({host::target("/l/a")});
    h.pass(3min);
    CHECK(h.broker.values("t") == numbered(0, 5));
    h.check_ledger(lines(0, 5).size());
}

TEST_CASE("copytruncate while the agent was down loses nothing that the copy has",
          "[generations]") {
    collecting h{3};
    h.restart();
    h.disk.write("/l/a", lines(3, 50));
    h.disk.write("/l/a.1", h.disk.names.at("/l/a")->content);
    h.disk.truncate("/l/a", 0);
    h.disk.write("/l/a", lines(50, 52));
    h.apply({host::target("/l/a")});
    h.pass(20s);
    CHECK(h.broker.values("t") == numbered(0, 52));
    h.check_ledger(lines(0, 52).size());
}

TEST_CASE("bytes that are in no copy are counted with path, range and reason", "[generations]") {
    collecting h{100, 10};
    const auto committed = h.running->sums().classes[static_cast<std::size_t>(byte_class::acked)];
    h.disk.truncate("/l/a", 0);
    h.wrote("/l/a", lines(100, 101));
    h.settle();
    h.pass(20s);
    const auto& losses = h.store.state().losses;
    REQUIRE(losses.size() == 1);
    const auto& loss = losses.begin()->second;
    CHECK(loss.kind == byte_class::truncated_away);
    CHECK(loss.path == "/l/a");
    CHECK(loss.where == checkpoint::range{committed, lines(0, 100).size()});
    CHECK(loss.bytes == loss.where.end - loss.where.begin);
    CHECK(h.bytes(byte_class::truncated_away) == loss.bytes);
    CHECK(h.broker.values("t").back() == "line 100");
    h.check_ledger(lines(0, 101).size());
}

TEST_CASE("a file that vanished while the agent was down is counted after a minute",
          "[generations]") {
    collecting h{100, 10};
    h.restart();
    h.disk.remove("/l/a");
    h.apply({host::target("/l/a")});
    h.pass(20s);
    CHECK(h.bytes(byte_class::vanished) == 0);
    h.pass(3min);
    CHECK(h.bytes(byte_class::vanished) > 0);
    CHECK(h.generations() == 0);
    REQUIRE(h.store.state().losses.size() == 1);
    CHECK(h.store.state().losses.begin()->second.kind == byte_class::vanished);
    h.check_ledger(lines(0, 100).size());
}

TEST_CASE("of a target that was stopped what vanishes is counted as stopped", "[generations]") {
    collecting h{100, 10};
    h.apply({host::target("/l/b")});
    h.disk.remove("/l/a");
    h.pass(3min);
    CHECK(h.bytes(byte_class::stopped) > 0);
    CHECK(h.bytes(byte_class::vanished) == 0);
    h.check_ledger(lines(0, 100).size());
}

TEST_CASE("a file under an unusual name is found by its inode", "[generations]") {
    collecting h{3};
    h.restart();
    h.disk.write("/l/a", lines(3, 10));
    h.disk.rename("/l/a", "/l/saved");
    h.apply({host::target("/l/a")});
    h.pass(2min);
    CHECK(h.broker.values("t") == numbered(0, 10));
    h.check_ledger(lines(0, 10).size());
}

TEST_CASE("what is added to a rotated file after it was finished is collected", "[generations]") {
    collecting h{3};
    h.rotate("/l/a.1", lines(3, 5));
    h.pass(20s);
    h.disk.write("/l/a.1", "late\n");
    h.pass(2min);
    CHECK(h.broker.values("t") ==
          strings{"line 0", "line 1", "line 2", "line 3", "line 4", "late"});
    h.check_ledger(lines(0, 5).size() + 5);
}

TEST_CASE("an old file that cannot be read does not hold up the new one", "[generations]") {
    collecting h{3};
    h.disk.names.at("/l/a")->failing = EIO;
    h.disk.write("/l/a", "unreadable\n");
    h.rotate("/l/a.1", lines(3, 5));
    h.pass(10s);
    CHECK(h.broker.values("t") == numbered(0, 5));
    h.check_ledger(lines(0, 5).size() + 11);
    h.disk.names.at("/l/a.1")->failing = 0;
    h.pass(1min);
    CHECK(h.broker.values("t").back() == "unreadable");
}

TEST_CASE("a copy of what is in flight when the agent dies is no new generation", "[generations]") {
    collecting h{3};
    h.wrote("/l/a", lines(3, 200));
    h.settle(0);
    h.disk.write("/l/a.1", h.disk.names.at("/l/a")->content);
    h.disk.truncate("/l/a", 0);
    h.changed(inotify::change::appeared, "/l/a.1");
    h.changed(inotify::change::written, "/l/a");
    h.settle(0);
    h.wrote("/l/a", lines(200, 203));
    h.settle(0);
    h.rename("/l/a.1", "/l/a.2");
    h.disk.write("/l/a.1", h.disk.names.at("/l/a")->content);
    h.disk.truncate("/l/a", 0);
    h.changed(inotify::change::appeared, "/l/a.1");
    h.changed(inotify::change::written, "/l/a");
    h.settle(0);
    h.wrote("/l/a", lines(203, 205));
    h.settle(0);
    h.restart();
    h.apply({host::target("/l/a")});
    h.pass(20s);
    std::set<std::string> keys;
    for (const auto& record : h.broker.stored)
        keys.insert(record.key.substr(0, 40));
    CHECK(keys.size() == 3);
    CHECK(h.broker.values("t") == numbered(0, 205));
}

TEST_CASE("many rotations leave no more in the state than files on the disk", "[generations]") {
    collecting h{1};
    for (int at = 1; at <= 30; ++at) {
        h.disk.remove("/l/a.2");
        if (h.disk.names.contains("/l/a.1")) h.rename("/l/a.1", "/l/a.2");
        h.rotate("/l/a.1", lines(at, at + 1));
        h.pass(10s);
    }
    h.pass(3min);
    CHECK(h.broker.values("t") == numbered(0, 31));
    CHECK(h.generations() == 3);
    CHECK(h.store.state().positions.size() == 3);
    CHECK(h.store.state().losses.empty());
    h.check_ledger(lines(0, 31).size());
}

TEST_CASE("copytruncate again and again leaves no more in the state than copies on the disk",
          "[generations]") {
    collecting h{2};
    for (int at = 1; at <= 10; ++at) {
        h.disk.remove("/l/a.2");
        if (h.disk.names.contains("/l/a.1")) h.rename("/l/a.1", "/l/a.2");
        h.copytruncate("/l/a.1", lines(2 * at, 2 * at + 2));
        h.pass(20s);
    }
    h.pass(3min);
    CHECK(h.broker.values("t") == numbered(0, 22));
    CHECK(h.generations() == 3);
    h.check_ledger(lines(0, 22).size());
}

TEST_CASE("deleted files hold no more than they may, and the oldest is given up", "[generations]") {
    host h;
    h.options.held_deleted_bytes = 1000;
    h.start();
    auto wanted = host::target("/l/a");
    wanted.send_rate = 1;
    h.apply({wanted});
    const auto size = lines(100, 160).size();  // 540
    for (int at = 0; at < 3; ++at) {
        h.disk.write("/l/a", lines(100 + 60 * at, 160 + 60 * at));
        h.changed(inotify::change::appeared, "/l/a");
        h.settle();
        h.disk.remove("/l/a");
        h.changed(inotify::change::vanished, "/l/a");
        h.settle();
        h.pass(1s);
    }
    h.pass(40s);
    const auto sums = h.running->sums();
    const auto given_up = sums.classes[static_cast<std::size_t>(byte_class::abandoned)];
    CHECK(given_up > size);
    CHECK(given_up < 2 * size);
    CHECK(h.store.state().losses.rbegin()->second.kind == byte_class::abandoned);
    h.check_ledger(3 * size);
    // What is left is sent to its end.
    h.pass(2min);
    CHECK(h.broker.values("t").back() == "line 279");
    CHECK(h.store.state().generations.empty());
    h.check_ledger(3 * size);
}

TEST_CASE("a stop between the last line of a compressed file and its end makes up no loss",
          "[generations]") {
    collecting h{3};
    h.restart();
    h.disk.write("/l/a", lines(3, 20));
    h.disk.rename("/l/a", "/l/a.1");
    compress(h, "/l/a.1");
    h.apply({host::target("/l/a")});
    h.settle();  // everything is acknowledged, and more could still come
    REQUIRE(h.broker.values("t") == numbered(0, 20));
    h.restart();
    SECTION("it is still there") {}
    SECTION("it is gone") {
        h.disk.remove("/l/a.1.gz");
    }
    h.apply({host::target("/l/a")});
    h.pass(3min);
    CHECK(h.broker.values("t") == numbered(0, 20));
    CHECK(h.bytes(byte_class::vanished) == 0);
    h.check_ledger(lines(0, 20).size());
}

TEST_CASE("a compressed generation that was not drained before another stop is drained after it",
          "[generations]") {
    auto slow = host::target("/l/a");
    slow.send_rate = 10;
    host h;
    h.apply({slow});
    h.disk.write("/l/a", lines(0, 3));
    h.changed(inotify::change::appeared, "/l/a");
    h.settle();
    h.restart();
    h.disk.write("/l/a", lines(3, 100));
    h.disk.rename("/l/a", "/l/a.1");
    compress(h, "/l/a.1");
    h.apply({slow});
    h.pass(2s);  // some of it
    h.restart();
    h.apply({slow});
    h.pass(30s);
    const auto values = h.broker.values("t");
    const std::set<std::string> found{values.begin(), values.end()};
    CHECK(found.size() == 100);
}

TEST_CASE("a file waits for a compressed one that is not the oldest and whose size nobody knows",
          "[generations]") {
    // Longer than what is unpacked to recognise it.
    collecting h{20'000};
    h.rotate("/l/a.1", lines(20'000, 40'000));
    h.settle();
    REQUIRE(h.broker.values("t").size() == 40'000);
    h.restart();
    compress(h, "/l/a.1");
    h.disk.write("/l/a", lines(40'000, 60'000));
    h.disk.rename("/l/a", "/l/a.2");
    compress(h, "/l/a.2");
    h.disk.write("/l/a", lines(60'000, 60'100));
    h.apply({host::target("/l/a")});
    h.pass(20s);
    CHECK(h.broker.values("t") == numbered(0, 60'100));
    h.check_ledger(lines(0, 60'100).size());
}

}  // namespace
}  // namespace logagent::tail
