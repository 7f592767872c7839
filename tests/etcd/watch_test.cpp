#include "logagent/etcd/watch.hpp"

#include <filesystem>
#include <fstream>

#include "etcd/gateway_fixture.hpp"
#include "etcd/stream.hpp"
#include "support/test.hpp"

namespace etcd = logagent::etcd;
namespace test = logagent::test;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_gateway;
using test::scripted_connection;

namespace {

/// Writes down what the watch tells.
struct recorder : etcd::watch_handler {
    void snapshot(etcd::snapshot now) override { snapshots.push_back(std::move(now)); }
    void changed(etcd::event change) override {
        text += (change.what == etcd::event::kind::put ? "+" : "-") + change.entry.key + "@" +
                std::to_string(change.entry.mod_revision) + " ";
        ++changes;
        last = std::move(change);
    }
    void state(connection now, const std::string& reason) override {
        if (now == connection::connected)
            ++connected;
        else
            reasons.push_back(reason);
    }
    bool complained(std::string_view part) const {
        return std::ranges::any_of(
            reasons, [&](const auto& one) { return one.find(part) != std::string::npos; });
    }

    std::vector<etcd::snapshot> snapshots;
    std::string text;
    int changes = 0;
    etcd::event last;
    int connected = 0;
    std::vector<std::string> reasons;
};

struct watch_fixture : test::gateway_fixture {
    etcd::watch_options watching;
    recorder seen;
    std::optional<etcd::watch> watch;
    std::optional<test::background> running;

    watch_fixture() {
        watching.ranges = {{"a", false}};
        watching.reconcile_interval = 1h;
        watching.reconcile_jitter = 0ms;
        watching.grace = 1ms;
        watching.first_retry = 1ms;
        watching.longest_retry = 2ms;
        gateway.put("a", "first");  // revision 2
    }
    ~watch_fixture() {
        if (running) running->stop();
    }

    void start() {
        watch.emplace(loop.get_executor(), etcd(), watching, seen);
        running.emplace(loop, watch->run());
    }
    template <class Ready>
    void until(Ready ready) {
        test::run_until(loop, ready);
    }
    /// A script that sends these texts after the stream was created.
    fake_gateway::watch_script sends(std::vector<std::string> texts, bool end = false) {
        return [this, texts, end](scripted_connection& one) {
            return gateway.created_then(one, texts, end);
        };
    }
};

}  // namespace

TEST_CASE_METHOD(watch_fixture, "a snapshot comes first, then each change", "[etcd]") {
    gateway.on_watch = {sends({gateway.events({fake_gateway::put_event("a", "x", 3)}),
                               gateway.events({fake_gateway::remove_event("a", 4)})})};
    start();
    until([&] { return seen.changes == 2; });
    REQUIRE(seen.snapshots.size() == 1);
    CHECK(seen.snapshots[0].revision == 2);
    CHECK(seen.snapshots[0].cluster_id == 77);
    CHECK(seen.snapshots[0].keys.at(0).value == "first");
    CHECK(seen.text == "+a@3 -a@4 ");
    CHECK(seen.connected == 1);
    CHECK(gateway.watches[0].body.find(R"("start_revision":"3")") != std::string::npos);
    CHECK(gateway.watches[0].body.find(R"("fragment":true)") != std::string::npos);
    CHECK(gateway.watches[0].has_leader);
}

TEST_CASE_METHOD(watch_fixture, "several keys share one connection and one snapshot", "[etcd]") {
    watching.ranges = {{"a", false}, {"p/", true}};
    gateway.put("p/1", "one");
    gateway.put("p/2", "two");
    gateway.on_watch = {sends({gateway.events({fake_gateway::put_event("p/3", "x", 5)}, 2),
                               gateway.events({fake_gateway::put_event("a", "x", 6)}, 1)})};
    start();
    until([&] { return seen.changes == 2; });
    CHECK(seen.snapshots.at(0).keys.size() == 3);
    CHECK(seen.text == "+p/3@5 +a@6 ");
    CHECK(gateway.watches.size() == 1);
    // R-E6: the second range is read as it was at the moment of the first.
    REQUIRE(gateway.count("/v3/kv/range") == 2);
    CHECK(gateway.calls[0].body.find("revision") == std::string::npos);
    CHECK(gateway.calls[1].body.find(R"("revision":"4")") != std::string::npos);
}

TEST_CASE_METHOD(watch_fixture, "messages may be cut anywhere and need no last line end",
                 "[etcd]") {
    auto script = [this](scripted_connection& one) -> asio::awaitable<void> {
        co_await gateway.begin(one);
        const std::string text = gateway.events({fake_gateway::put_event("a", "x", 3)}) +
                                 gateway.events({fake_gateway::put_event("a", "y", 4)});
        for (const char byte : text) {
            std::string piece = fake_gateway::chunk(std::string(1, byte));
            co_await one.send(std::move(piece));
        }
        std::string last = gateway.events({fake_gateway::put_event("a", "z", 5)});
        last.pop_back();
        last = fake_gateway::chunk(last) + "0\r\n\r\n";
        co_await one.send(std::move(last));
    };
    gateway.on_watch = {script, gateway.silent()};
    start();
    until([&] { return gateway.watches.size() == 2; });
    CHECK(seen.text == "+a@3 +a@4 +a@5 ");
    // A lost connection alone needs no new snapshot: the watch goes on behind the last event.
    CHECK(seen.snapshots.size() == 1);
    CHECK(gateway.watches[1].body.find(R"("start_revision":"6")") != std::string::npos);
}

TEST_CASE_METHOD(watch_fixture, "an event of the largest size comes whole, its line end apart",
                 "[etcd]") {
    const std::string value(1'400'000, 'v');
    std::string text = gateway.events({fake_gateway::put_event("a", value, 3)});
    text.pop_back();
    gateway.on_watch = {
        sends({text, "\n", gateway.events({fake_gateway::put_event("a", "small", 4)})})};
    start();
    until([&] { return seen.changes >= 1; });
    CHECK(seen.last.entry.value == value);
    until([&] { return seen.changes == 2; });
    CHECK(seen.connected == 1);
}

TEST_CASE_METHOD(watch_fixture, "a message over the cap is refused, a new snapshot taken",
                 "[etcd]") {
    auto huge = [this](scripted_connection& one) -> asio::awaitable<void> {
        co_await gateway.begin(one);
        std::string head = "{\"result\":{\"events\":[{\"kv\":{\"value\":\"";
        co_await one.send(fake_gateway::chunk(head));
        const std::string piece = fake_gateway::chunk(std::string(1 << 20, 'A'));
        for (int sent = 0; sent < 42; ++sent)
            co_await one.send(piece);
    };
    gateway.on_watch = {huge, gateway.silent()};
    start();
    until([&] { return seen.connected == 2; });
    CHECK(seen.complained("a message is longer than 8388608 bytes"));
    CHECK(seen.snapshots.size() == 2);
    CHECK(seen.changes == 0);
}

TEST_CASE_METHOD(watch_fixture, "42 MB in fragments arrive while the loop goes on", "[etcd]") {
    watching.ranges = {{"p/", true}};
    constexpr int fragments = 20;
    const std::string value(1'500'000, 'v');  // 2 MB as base64
    auto script = [&](scripted_connection& one) -> asio::awaitable<void> {
        co_await gateway.begin(one);
        for (int i = 0; i < fragments; ++i) {
            const auto event = fake_gateway::put_event("p/" + std::to_string(i), value, 3);
            const std::vector<std::string> list{event};
            std::string text = fake_gateway::chunk(gateway.events(list, 1, i + 1 < fragments));
            co_await one.send(std::move(text));
        }
        co_await one.until_closed();
    };
    gateway.on_watch = {script};
    // Each turn of this coroutine is a moment in which the loop was free for other work.
    int free_moments = 0;
    auto ticker = [&]() -> asio::awaitable<void> {
        for (;;) {
            ++free_moments;
            co_await asio::post(asio::use_awaitable);
        }
    };
    start();
    until([&] { return seen.connected == 1; });
    test::background ticking{loop, ticker()};
    until([&] { return seen.changes == fragments; });
    const std::size_t slices = fragments * (value.size() / 3 * 4) / etcd::slice_bytes;
    CHECK(free_moments >= static_cast<int>(slices));
    CHECK(seen.snapshots.size() == 1);
}

TEST_CASE_METHOD(watch_fixture, "a break inside a fragmented revision repeats that revision",
                 "[etcd]") {
    watching.ranges = {{"p/", true}};
    gateway.on_watch = {sends({gateway.events({fake_gateway::put_event("p/1", "x", 3),
                                               fake_gateway::put_event("p/2", "x", 4)},
                                              1, true)},
                              true),
                        sends({gateway.events({fake_gateway::put_event("p/2", "x", 4),
                                               fake_gateway::put_event("p/3", "x", 4)})})};
    start();
    until([&] { return seen.text.ends_with("+p/3@4 "); });
    CHECK(gateway.watches[1].body.find(R"("start_revision":"4")") != std::string::npos);
    CHECK(seen.text == "+p/1@3 +p/2@4 +p/2@4 +p/3@4 ");
}

TEST_CASE_METHOD(watch_fixture, "compaction gives a new snapshot though the connection stays open",
                 "[etcd]") {
    auto compacted = [this](scripted_connection& one) {
        std::string text =
            R"({"result":{"header":{"cluster_id":"77"},"watch_id":"1","canceled":true,)"
            R"("compact_revision":"9"}})";
        gateway.revision = 20;
        gateway.put("a", "later");
        const std::vector<std::string> list{text + "\n"};
        return gateway.created_then(one, list);
    };
    gateway.on_watch = {compacted, gateway.silent()};
    start();
    until([&] { return seen.connected == 2; });
    REQUIRE(seen.snapshots.size() == 2);
    CHECK(seen.snapshots[1].revision == 21);
    CHECK(seen.complained("compacted"));
}

TEST_CASE_METHOD(watch_fixture,
                 "a wiped cluster with the same id is noticed, and not at once believed",
                 "[etcd]") {
    gateway.revision = 100;
    gateway.put("a", "old");
    auto wipe = [this](scripted_connection& one) {
        gateway.keys.clear();
        gateway.revision = 1;
        return gateway.created_then(one, {});
    };
    gateway.on_watch = {wipe, gateway.silent()};
    start();
    until([&] { return seen.connected == 1; });
    REQUIRE(seen.snapshots.size() == 2);
    CHECK(seen.snapshots[1].revision == 1);
    CHECK(seen.snapshots[1].keys.empty());
    CHECK(seen.changes == 0);  // what is absent was not reported as removed
    CHECK(seen.complained("went back (revision 1 after 101)"));
    CHECK(std::ranges::count_if(seen.reasons, [](const auto& one) {
              return one.find("etcd shows revision 1 after 101") != std::string::npos;
          }) == 3);
}

TEST_CASE_METHOD(watch_fixture, "another cluster is believed at once", "[etcd]") {
    gateway.revision = 100;
    auto replaced = [this](scripted_connection& one) {
        gateway.cluster_id = 78;
        gateway.revision = 5;
        return gateway.created_then(one, {});
    };
    gateway.on_watch = {replaced, gateway.silent()};
    start();
    until([&] { return seen.connected == 1; });
    CHECK(seen.snapshots.at(1).cluster_id == 78);
    CHECK(seen.reasons.size() == 1);
}

TEST_CASE_METHOD(watch_fixture, "a stale read after a restart is not taken for the present",
                 "[etcd]") {
    watching.known_cluster_id = 77;
    watching.known_revision = 3;
    start();
    until([&] { return seen.reasons.size() == 1; });
    CHECK(seen.snapshots.empty());
    gateway.put("a", "now");
    until([&] { return seen.connected == 1; });
    CHECK(seen.snapshots.at(0).revision == 3);
}

TEST_CASE_METHOD(watch_fixture, "a watch that is never created ends at its deadline", "[etcd]") {
    options.timeout = 20ms;
    auto head_only = [](scripted_connection& one) -> asio::awaitable<void> {
        co_await one.send(fake_gateway::stream_head());
        co_await one.until_closed();
    };
    auto nothing = [](scripted_connection& one) { return one.until_closed(); };
    gateway.on_watch = {head_only, nothing, gateway.silent()};
    start();
    until([&] { return seen.connected == 1; });
    CHECK(seen.reasons.size() == 2);
    CHECK(seen.complained("no answer in time"));
}

TEST_CASE_METHOD(watch_fixture, "a canceled watch is opened again", "[etcd]") {
    auto canceled = [this](scripted_connection& one) -> asio::awaitable<void> {
        std::string text = fake_gateway::stream_head() +
                           fake_gateway::chunk(
                               "{\"result\":{" + gateway.header() +
                               R"(,"watch_id":"-1","created":true,"canceled":true,"cancel_reason":)"
                               R"("rpc error: code = Unavailable"}})");
        co_await one.send(std::move(text));
        co_await one.until_closed();
    };
    gateway.on_watch = {canceled, gateway.silent()};
    start();
    until([&] { return seen.connected == 1; });
    CHECK(seen.complained("canceled: rpc error"));
    CHECK(seen.snapshots.size() == 1);
}

TEST_CASE_METHOD(watch_fixture, "odd streams end in a retry that says why", "[etcd]") {
    std::string part;
    SECTION("bad JSON") {
        gateway.on_watch = {sends({"{\"result\":nonsense}\n"})};
        part = "broken JSON";
    }
    SECTION("wrong types") {
        gateway.on_watch = {sends({"{\"result\":{\"events\":{}}}\n"})};
        part = "'events' has the wrong type";
    }
    SECTION("an unknown watch") {
        gateway.on_watch = {sends({gateway.events({fake_gateway::put_event("a", "x", 3)}, 9)})};
        part = "unknown watch 9";
    }
    SECTION("an error object without a line end") {
        gateway.on_watch = {sends(
            {R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})"})};
        part = "etcdserver: no leader";
    }
    SECTION("a redirect") {
        gateway.on_watch = {[](scripted_connection& one) {
            return one.send("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
        }};
        part = "HTTP status 302";
    }
    SECTION("bad JSON in the request's answer") {
        gateway.on_watch = {[](scripted_connection& one) {
            return one.send(test::http_answer("oops", "500 Internal Server Error"));
        }};
        part = "HTTP status 500";
    }
    gateway.on_watch.push_back(gateway.silent());
    start();
    until([&] { return gateway.watches.size() == 2 && seen.connected >= 1; });
    INFO(seen.reasons.at(0));
    CHECK(seen.complained(part));
    CHECK(seen.reasons.at(0).find("etcd watch at " + gateway.address()) == 0);
    CHECK(seen.reasons.at(0).find("; next try in 0.0 s") != std::string::npos);
}

TEST_CASE_METHOD(watch_fixture, "a watch refused by closing gets a new token", "[etcd]") {
    const std::string path = std::filesystem::temp_directory_path() /
                             ("logagent-watch-password-" + std::to_string(::getpid()));
    std::ofstream{path} << "secret";
    options.user = "agent";
    options.password_file = path;
    gateway.instead = [this](const fake_gateway::call& seen_call) -> std::optional<std::string> {
        if (seen_call.path == "/v3/watch" && seen_call.authorization != "token-2")
            return std::string{};
        return std::nullopt;
    };
    start();
    until([&] { return seen.connected == 1; });
    CHECK(gateway.count("/v3/auth/authenticate") == 2);
    CHECK(seen.reasons.empty());
    std::filesystem::remove(path);
}

TEST_CASE_METHOD(watch_fixture, "old and repeated events are ignored", "[etcd]") {
    gateway.put("a", "second");  // revision 3
    const auto old = fake_gateway::put_event("a", "x", 2);
    const auto now = fake_gateway::put_event("a", "y", 4);
    gateway.on_watch = {sends({gateway.events({old}), gateway.events({now}), gateway.events({now}),
                               gateway.events({old, fake_gateway::put_event("a", "z", 5)})})};
    start();
    until([&] { return seen.text.ends_with("@5 "); });
    CHECK(seen.text == "+a@4 +a@5 ");
}

TEST_CASE_METHOD(watch_fixture, "a progress message does not move the resume revision", "[etcd]") {
    auto progress = [this](scripted_connection& one) {
        gateway.revision = 50;
        const std::vector<std::string> list{"{\"result\":{" + gateway.header() +
                                            ",\"watch_id\":\"1\"}}\n"};
        return gateway.created_then(one, list, true);
    };
    gateway.on_watch = {progress, gateway.silent()};
    start();
    until([&] { return gateway.watches.size() == 2; });
    CHECK(gateway.watches[1].body.find(R"("start_revision":"3")") != std::string::npos);
}

TEST_CASE_METHOD(watch_fixture, "a change on a silent stream is found by asking", "[etcd]") {
    watching.reconcile_interval = 5ms;
    start();
    until([&] { return seen.connected == 1; });
    SECTION("a put") {
        gateway.put("a", "silently");
        until([&] { return seen.snapshots.size() == 2; });
        CHECK(seen.snapshots[1].keys.at(0).value == "silently");
    }
    SECTION("a removal is a snapshot without the key, not an event") {
        gateway.remove("a");
        until([&] { return seen.snapshots.size() == 2; });
        CHECK(seen.snapshots[1].keys.empty());
        CHECK(seen.changes == 0);
    }
    CHECK(seen.complained("a change was missed"));
    until([&] { return seen.connected == 2; });
}

TEST_CASE_METHOD(watch_fixture, "a healthy silent stream is left alone by the asking", "[etcd]") {
    watching.ranges = {{"a", false}, {"p/", true}};
    watching.reconcile_interval = 1ms;
    start();
    until([&] { return gateway.count("/v3/kv/txn") == 10; });
    CHECK(seen.snapshots.size() == 1);
    CHECK(seen.connected == 1);
}

TEST_CASE_METHOD(watch_fixture, "R-E10: each host asks at a moment of its own", "[etcd]") {
    watching.reconcile_interval = 1ms;
    watching.reconcile_jitter = 1h;
    start();
    until([&] { return seen.connected == 1; });
    for (int i = 0; i < 20; ++i) {  // time in which it would have asked
        etcd::key_range key;
        key.key = "a";
        CHECK(run(etcd().range(key)).has_value());
    }
    CHECK(gateway.count("/v3/kv/txn") == 0);
}

TEST_CASE_METHOD(watch_fixture, "an etcd that only keeps its connection open is not called healthy",
                 "[etcd]") {
    watching.reconcile_interval = 5ms;
    start();
    until([&] { return seen.connected == 1; });
    gateway.instead = [](const fake_gateway::call&) {
        return test::error_answer("503 Service Unavailable", 14, "etcdserver: no leader");
    };
    until([&] { return seen.complained("etcd txn at"); });
    gateway.instead = nullptr;
    until([&] { return seen.connected == 2; });
}

TEST_CASE_METHOD(watch_fixture, "a watch moves to another endpoint when its own goes away",
                 "[etcd]") {
    std::optional<fake_gateway> second{loop};
    second->put("a", "first");
    options.endpoints.push_back({"127.0.0.1", second->port(), false});
    gateway.on_watch = {[](scripted_connection& one) { return one.send(""); }, gateway.silent()};
    second->on_watch = {[](scripted_connection& one) { return one.send(""); }, second->silent()};
    start();
    until([&] { return seen.connected == 1; });
    CHECK(gateway.watches.size() >= 1);
    CHECK(second->watches.size() >= 1);
    running->stop();
    running.reset();
}

TEST_CASE_METHOD(watch_fixture, "R-E12: an endpoint whose stream breaks is passed over", "[etcd]") {
    std::optional<fake_gateway> second{loop};
    second->put("a", "first");
    options.endpoints.push_back({"127.0.0.1", second->port(), false});
    const std::vector<std::string> nonsense{"{\"result\":nonsense}\n"};
    for (auto* each : {&gateway, &*second})
        each->on_watch = {[each, nonsense](scripted_connection& one) {
                              return each->created_then(one, nonsense);
                          },
                          each->silent()};
    start();
    until([&] { return !gateway.watches.empty() && !second->watches.empty(); });
    CHECK(gateway.watches.size() + second->watches.size() == 2);
    running->stop();
    running.reset();
}

TEST_CASE_METHOD(watch_fixture, "a refresh takes a new snapshot", "[etcd]") {
    start();
    until([&] { return seen.connected == 1; });
    watch->refresh();
    until([&] { return seen.connected == 2; });
    CHECK(seen.snapshots.size() == 2);
}

TEST_CASE_METHOD(watch_fixture, "a watch waits for an etcd that is not there, and stops at once",
                 "[etcd]") {
    gateway.instead = [](const fake_gateway::call&) { return std::string{}; };
    start();
    until([&] { return seen.reasons.size() >= 5; });
    CHECK(seen.snapshots.empty());
    CHECK(running->stop() < 1s);
    CHECK(running->failure());
}
