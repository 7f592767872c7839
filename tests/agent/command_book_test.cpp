#include "agent/command_book.hpp"

#include "logagent/base/json.hpp"
#include "support/test.hpp"

using namespace logagent::agent;
namespace base = logagent::base;

namespace {

using duty = command_book::duty;
using key = command_book::key;

const std::string a_replay =
    R"({"instance":"i","command":"replay","arguments":{"path":"/l","offset":"0:","topic":"t"}})";

key at(const std::string& id) {
    return {"h", id};
}

struct desk {
    command_book book{"i"};
    std::int64_t now = 1'000'000;

    void give(const std::string& id, const std::string& value = a_replay,
              std::int64_t revision = 1) {
        book.put("h", id, value, revision, now);
    }
    /// The next task; "" = nothing to do.
    std::string next() {
        const auto task = book.next(now);
        if (!task) return "";
        constexpr const char* names[] = {"look",   "execute", "accept", "begin",
                                         "report", "renew",   "answer"};
        return std::string{names[static_cast<int>(task->what)]} + " " + task->key.second;
    }
    void accept(const std::string& id) {
        book.looked(at(id));
        book.accepted(at(id), 77, now);
    }
    base::json::object result(const std::string& id) {
        return base::parse_json(book.result(at(id), now)).value().as_object();
    }
    std::string state(const std::string& id) {
        return std::string{result(id).at("state").as_string()};
    }
    std::string code(const std::string& id) {
        return std::string{result(id).at("code").as_string()};
    }
};

replay_line planned() {
    replay_line line;
    line.state = replay_line::kind::planned;
    line.topic = "t";
    line.bytes = 1000;
    line.lines = 10;
    line.end = logagent::tail::replay_point{{}, 1000};
    return line;
}

replay_line running(std::uint64_t offset, std::uint64_t bytes, std::uint64_t records) {
    replay_line line;
    line.at = logagent::tail::replay_point{{}, offset};
    line.figures.bytes = bytes;
    line.figures.records = records;
    line.figures.counts[1] = bytes;
    return line;
}

std::uint64_t progress(desk& of, const std::string& id, const char* name) {
    return of.result(id).at("progress").as_object().at(name).to_number<std::uint64_t>();
}

}  // namespace

TEST_CASE("a replay is looked up, accepted, run, reported and answered", "[command_book]") {
    desk at_work;
    at_work.give("a");
    CHECK(at_work.next() == "look a");
    at_work.book.looked(at("a"));
    CHECK(at_work.next() == "accept a");
    CHECK(at_work.state("a") == "accepted");
    at_work.book.accepted(at("a"), 77, at_work.now);
    CHECK(at_work.next() == "begin a");
    at_work.book.began(at("a"), at_work.now);
    CHECK(at_work.next() == "report a");
    CHECK(at_work.state("a") == "running");
    at_work.book.reported(at("a"), at_work.now);
    CHECK(at_work.next().empty());

    at_work.book.told(at("a"), planned());
    at_work.book.told(at("a"), running(300, 300, 3));
    CHECK(at_work.next().empty());
    CHECK(at_work.book.next_at(at_work.now) == at_work.now + command_book::report_interval_ms);
    at_work.now += command_book::report_interval_ms;
    CHECK(at_work.next() == "report a");
    CHECK(progress(at_work, "a", "records") == 3);
    CHECK(progress(at_work, "a", "total_bytes") == 1000);

    at_work.book.ended(at("a"), {true, {}, {}, {}}, at_work.now);
    CHECK(at_work.next() == "answer a");
    CHECK(at_work.state("a") == "done");
    at_work.book.answered(at("a"));
    CHECK(at_work.next().empty());
    CHECK(at_work.book.size() == 0);
}

TEST_CASE("what cannot be a command is answered at once with its code", "[command_book]") {
    desk at_work;
    at_work.give("a", "{");
    CHECK(at_work.next() == "look a");  // an answer that stands is not written again
    at_work.book.looked(at("a"));
    CHECK(at_work.next() == "answer a");
    CHECK(at_work.state("a") == "failed");
    CHECK(at_work.code("a") == "syntax");
    at_work.give("b", R"({"command":"explode","arguments":{"x":1}})");
    CHECK(at_work.code("b") == "unknown_command");
    CHECK(at_work.result("b").at("command").as_string() == "explode");
    CHECK(at_work.result("b").at("arguments").as_object().contains("x"));
}

TEST_CASE("a short command is executed, and its answer carries what it found", "[command_book]") {
    desk at_work;
    at_work.give("a", R"({"command":"rescan"})");
    at_work.book.looked(at("a"));
    CHECK(at_work.next() == "execute a");
    at_work.book.ended(at("a"), {true, {}, {}, "\"files\":3"}, at_work.now);
    CHECK(at_work.next() == "answer a");
    CHECK(at_work.result("a").at("files").to_number<int>() == 3);
    CHECK(at_work.book.save() == R"({"version":1,"commands":[]})");
}

TEST_CASE("one replay runs, the others wait in the order of their ids", "[command_book]") {
    desk at_work;
    for (const auto* id : {"c", "a", "b"}) {
        at_work.give(id);
        at_work.accept(id);
    }
    CHECK(at_work.next() == "begin a");
    at_work.book.began(at("a"), at_work.now);
    at_work.book.reported(at("a"), at_work.now);
    CHECK(at_work.next().empty());
    at_work.book.ended(at("a"), {true, {}, {}, {}}, at_work.now);
    at_work.book.answered(at("a"));
    CHECK(at_work.next() == "begin b");
}

TEST_CASE("no more replays are accepted than may wait", "[command_book]") {
    desk at_work;
    for (std::size_t number = 0; number < command_book::most_waiting; ++number) {
        at_work.give("a" + std::to_string(number));
        at_work.accept("a" + std::to_string(number));
    }
    at_work.give("z");
    at_work.book.looked(at("z"));
    CHECK(at_work.code("z") == "busy");
}

TEST_CASE("commands for which there is no room have to be shown again", "[command_book]") {
    desk at_work;
    for (std::size_t number = 0; number < command_book::most_known; ++number)
        CHECK(at_work.book.put("h", "a" + std::to_string(number), a_replay, 1, at_work.now));
    CHECK_FALSE(at_work.book.put("h", "z", a_replay, 1, at_work.now));
    CHECK(at_work.book.put("h", "a0", a_replay, 2, at_work.now));
    at_work.book.answered(at("a1"));
    CHECK(at_work.book.put("h", "z", a_replay, 1, at_work.now));
}

TEST_CASE("a command that goes before it was accepted is forgotten", "[command_book]") {
    desk at_work;
    at_work.give("a");
    at_work.book.removed("h", "a", at_work.now);
    CHECK(at_work.book.size() == 0);
    at_work.give("b");
    at_work.book.looked(at("b"));
    at_work.book.complete("h", {}, at_work.now);
    CHECK(at_work.book.size() == 0);
}

TEST_CASE("deleting an accepted command cancels it", "[command_book]") {
    desk at_work;
    at_work.give("a");
    at_work.accept("a");
    SECTION("while it waits, at once") {
        at_work.book.removed("h", "a", at_work.now);
        CHECK(at_work.next() == "answer a");
        CHECK(at_work.code("a") == "cancelled");
    }
    SECTION("while it runs, when its process has ended") {
        at_work.book.began(at("a"), at_work.now);
        at_work.book.reported(at("a"), at_work.now);
        at_work.book.removed("h", "a", at_work.now);
        CHECK(at_work.book.find(at("a"))->cancelled);
        CHECK(at_work.next().empty());
        at_work.book.told(at("a"), planned());
        at_work.book.told(at("a"), running(100, 100, 1));
        at_work.book.ended(at("a"), {false, "process", "x", {}}, at_work.now);
        CHECK(at_work.code("a") == "cancelled");
        CHECK(progress(at_work, "a", "records") == 1);
    }
    SECTION("and one that was done already stays done") {
        at_work.book.began(at("a"), at_work.now);
        at_work.book.ended(at("a"), {true, {}, {}, {}}, at_work.now);
        at_work.book.removed("h", "a", at_work.now);
        CHECK(at_work.state("a") == "done");
    }
    SECTION("but that of another host does nothing") {
        at_work.book.complete("other", {}, at_work.now);
        CHECK(at_work.next() == "begin a");
    }
}

TEST_CASE("what was accepted stays what it was, whatever its key holds later", "[command_book]") {
    desk at_work;
    at_work.give("a");
    at_work.give("a", R"({"command":"rescan"})", 2);
    at_work.book.looked(at("a"));
    CHECK(at_work.next() == "execute a");  // not accepted yet: the newer value counts
    at_work.give("b");
    at_work.accept("b");
    at_work.give("b", R"({"command":"rescan"})", 3);
    CHECK(at_work.book.find(at("b"))->is_replay());
    CHECK(at_work.book.find(at("b"))->now == command_entry::phase::accepted);
}

TEST_CASE("after a restart a replay goes on where its last report was", "[command_book]") {
    desk before;
    before.give("a");
    before.accept("a");
    before.give("b");
    before.accept("b");
    before.book.began(at("a"), before.now);
    before.book.told(at("a"), planned());
    before.book.told(at("a"), running(300, 290, 3));

    desk after;
    REQUIRE(after.book.load(before.book.save()).has_value());
    CHECK(after.next().empty());  // perhaps it was cancelled meanwhile: etcd has to be seen first
    after.give("b", "", 9);
    after.give("a", "", 9);
    after.book.complete("h", {"a", "b"}, after.now);
    CHECK(after.next() == "begin a");  // what had begun goes first
    const auto* entry = after.book.find(at("a"));
    REQUIRE(entry->replay.at);
    CHECK(entry->replay.at->offset == 300);
    CHECK(entry->replay.end->offset == 1000);
    CHECK(std::get<replay_command>(*entry->what).path == "/l");

    after.book.began(at("a"), after.now);
    auto again = planned();
    again.bytes = 710;  // what is left
    after.book.told(at("a"), again);
    after.book.told(at("a"), running(700, 400, 4));
    CHECK(progress(after, "a", "records") == 7);
    CHECK(progress(after, "a", "bytes") == 690);
    CHECK(progress(after, "a", "acked") == 690);
    CHECK(progress(after, "a", "total_bytes") == 1000);

    SECTION("also when its process ends before it begins") {
        replay_line failed;
        failed.state = replay_line::kind::failed;
        after.book.told(at("a"), failed);
        CHECK(progress(after, "a", "records") == 7);
    }
    SECTION("and when it is suspended, it begins once more") {
        after.book.suspended(at("a"));
        CHECK(after.next() == "begin a");
    }
}

TEST_CASE("a replay whose key is gone after a restart was cancelled", "[command_book]") {
    desk before;
    before.give("a");
    before.accept("a");
    desk after;
    REQUIRE(after.book.load(before.book.save()).has_value());
    after.book.complete("h", {}, after.now);
    CHECK(after.next() == "answer a");
    CHECK(after.code("a") == "cancelled");
}

TEST_CASE("a state that cannot be read is as none", "[command_book]") {
    desk before;
    before.give("a");
    before.accept("a");
    const auto good = before.book.save();
    for (const auto& text :
         {std::string{}, std::string{"[]"}, std::string{R"({"version":2})"},
          std::string{R"({"version":1,"commands":[{}]})"}, good.substr(0, good.size() - 1)}) {
        desk after;
        CHECK_FALSE(after.book.load(text).has_value());
        CHECK(after.book.size() == 0);
    }
}

TEST_CASE("a lease is renewed while the work goes on, and reports outlive a clock that was turned",
          "[command_book]") {
    desk at_work;
    at_work.give("a");
    at_work.accept("a");
    at_work.book.began(at("a"), at_work.now);
    at_work.book.reported(at("a"), at_work.now);
    at_work.now += command_book::renew_interval_ms;
    CHECK(at_work.next() == "renew a");
    at_work.book.leased(at("a"), 77, at_work.now);
    CHECK(at_work.next().empty());
    at_work.book.told(at("a"), running(1, 1, 1));
    at_work.book.reported(at("a"), at_work.now);
    at_work.book.told(at("a"), running(2, 2, 2));
    at_work.now -= 86'400'000;
    CHECK(at_work.next() == "renew a");
    at_work.book.leased(at("a"), 77, at_work.now);
    CHECK(at_work.next() == "report a");
}
