#include <fstream>

#include "etcd/real_etcd.hpp"
#include "http/certificates.hpp"
#include "logagent/etcd/presence.hpp"
#include "logagent/etcd/watch.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace etcd = logagent::etcd;
namespace http = logagent::http;
namespace dns = logagent::dns;
namespace test = logagent::test;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using cause = etcd::error::cause;

#define NEEDS_ETCD()                     \
    if (!test::real_etcd::available()) { \
        WARN("skipped: etcd not found"); \
        return;                          \
    }

namespace {

struct recorder : etcd::watch_handler {
    void snapshot(etcd::snapshot now) override { snapshots.push_back(std::move(now)); }
    void changed(etcd::event change) override { changes.push_back(std::move(change)); }
    void state(connection now, const std::string& text) override {
        if (now == connection::connected)
            ++connected;
        else
            last_reason = text;
    }
    std::vector<etcd::snapshot> snapshots;
    std::vector<etcd::event> changes;
    int connected = 0;
    std::string last_reason;
};

struct real_fixture {
    asio::io_context loop;
    dns::resolver names{loop.get_executor()};
    std::optional<test::real_etcd> server;
    etcd::client_options options;
    std::optional<etcd::client> client;
    etcd::watch_options watching;
    recorder seen;

    real_fixture() {
        watching.ranges = {{"a", false}, {"p/", true}};
        watching.first_retry = 5ms;
        watching.longest_retry = 50ms;
    }

    void start(std::vector<std::string> arguments = {}, bool tls = false) {
        server.emplace(std::move(arguments), tls ? "https" : "http");
        options.endpoints = {{"127.0.0.1", server->port(), tls}};
        options.timeout = 5s;
        client.emplace(loop.get_executor(), names, options);
        wait_until_up();
    }

    void wait_until_up() { test::run(loop, wait_for(*client)); }
    static asio::awaitable<void> wait_for(etcd::client& asked) {
        asio::steady_timer pause{co_await asio::this_coro::executor};
        for (;;) {
            etcd::key_range any;
            any.key = "a";
            auto answer = co_await asked.range(any);
            if (answer) co_return;
            pause.expires_after(10ms);
            co_await pause.async_wait(asio::use_awaitable);
        }
    }

    template <class Value>
    Value run(asio::awaitable<Value> task) {
        return test::run(loop, std::move(task));
    }
    template <class Ready>
    void until(Ready ready) {
        test::run_until(loop, ready);
    }
    void pause(std::chrono::milliseconds span) {
        asio::steady_timer timer{loop, span};
        bool over = false;
        timer.async_wait([&](boost::system::error_code) { over = true; });
        until([&] { return over; });
    }

    /// A call that the client does not know, for setting things up.
    void post(const std::string& path, const std::string& body) {
        http::client plain{loop.get_executor(), names};
        http::request what;
        what.method = "POST";
        what.target = path;
        what.body = body;
        const auto deadline = http::client::clock::now() + 5s;
        const auto answer = run(plain.send(options.endpoints[0], what, deadline));
        INFO(path << " " << (answer ? answer->body : answer.error().text));
        REQUIRE((answer.has_value() && answer->status == 200));
    }
};

}  // namespace

TEST_CASE_METHOD(real_fixture, "etcd: puts and removals arrive on a watch", "[etcd][real]") {
    NEEDS_ETCD();
    start();
    REQUIRE(run(client->put("a", "one")).has_value());
    etcd::watch watch{loop.get_executor(), *client, watching, seen};
    test::background running{loop, watch.run()};
    until([&] { return seen.connected == 1; });
    CHECK(seen.snapshots.at(0).keys.at(0).value == "one");

    const std::string big(1'400'000, 'v');
    const auto put = run(client->put("p/1", big));
    REQUIRE(put.has_value());
    etcd::txn_request removal;
    etcd::operation remove;
    remove.what = etcd::operation::kind::remove;
    remove.keys.key = "a";
    removal.then.push_back(remove);
    REQUIRE(run(client->txn(removal)).has_value());
    until([&] { return seen.changes.size() == 2; });
    const auto& first = seen.changes[0].entry.key == "a" ? seen.changes[1] : seen.changes[0];
    const auto& second = seen.changes[0].entry.key == "a" ? seen.changes[0] : seen.changes[1];
    CHECK(first.entry.value == big);
    CHECK(first.entry.mod_revision == put->revision);
    CHECK(second.what == etcd::event::kind::removed);
    CHECK(seen.snapshots.size() == 1);
}

TEST_CASE_METHOD(real_fixture, "etcd: compaction while away gives a new snapshot", "[etcd][real]") {
    NEEDS_ETCD();
    start();
    REQUIRE(run(client->put("a", "one")).has_value());
    etcd::watch watch{loop.get_executor(), *client, watching, seen};
    {
        test::background running{loop, watch.run()};
        until([&] { return seen.connected == 1; });
    }
    std::int64_t revision = 0;
    for (int i = 0; i < 5; ++i)
        revision = run(client->put("a", std::to_string(i)))->revision;
    post("/v3/kv/compaction", "{\"revision\":" + std::to_string(revision) + "}");
    test::background running{loop, watch.run()};
    until([&] { return seen.snapshots.size() == 2; });
    CHECK(seen.snapshots.back().keys.at(0).value == "4");
    CHECK(seen.last_reason.find("compacted") != std::string::npos);
}

TEST_CASE_METHOD(real_fixture, "etcd: a watch missed nothing over a kill -9", "[etcd][real]") {
    NEEDS_ETCD();
    start();
    etcd::watch watch{loop.get_executor(), *client, watching, seen};
    test::background running{loop, watch.run()};
    until([&] { return seen.connected == 1; });
    server->kill();
    until([&] { return !seen.last_reason.empty(); });
    server->start();
    wait_until_up();
    REQUIRE(run(client->put("a", "after")).has_value());
    until([&] { return !seen.changes.empty(); });
    CHECK(seen.changes[0].entry.value == "after");
    CHECK(seen.snapshots.size() == 1);
}

TEST_CASE_METHOD(real_fixture, "etcd: a big range comes in pages at one revision", "[etcd][real]") {
    NEEDS_ETCD();
    start();
    for (int i = 0; i < 12; ++i)
        REQUIRE(run(client->put("p/" + std::to_string(100 + i), std::string(1'000'000, 'v')))
                    .has_value());
    const auto read = run(client->range(etcd::key_range{"p/", true}));
    REQUIRE(read.has_value());
    CHECK(read->keys.size() == 12);
    CHECK(read->count == 12);
}

TEST_CASE_METHOD(real_fixture, "etcd: a reconcile of real answers finds no difference",
                 "[etcd][real]") {
    NEEDS_ETCD();
    start();
    REQUIRE(run(client->put("a", "one")).has_value());
    REQUIRE(run(client->put("p/1", "one")).has_value());
    watching.reconcile_interval = 5ms;
    watching.reconcile_jitter = 1ms;
    watching.grace = 200ms;
    etcd::watch watch{loop.get_executor(), *client, watching, seen};
    test::background running{loop, watch.run()};
    until([&] { return seen.connected == 1; });
    for (int i = 0; i < 50; ++i)
        REQUIRE(run(client->put("p/" + std::to_string(i % 7), "x")).has_value());
    until([&] { return seen.changes.size() == 50; });
    CHECK(seen.snapshots.size() == 1);
    CHECK(seen.last_reason.empty());
}

TEST_CASE_METHOD(real_fixture, "etcd: a user's expired token is renewed", "[etcd][real]") {
    NEEDS_ETCD();
    start({"--auth-token-ttl=1"});
    post("/v3/auth/user/add", R"({"name":"root","password":"secret"})");
    post("/v3/auth/role/add", R"({"name":"root"})");
    post("/v3/auth/user/grant", R"({"user":"root","role":"root"})");
    post("/v3/auth/enable", "{}");
    const std::string path = std::filesystem::temp_directory_path() /
                             ("logagent-real-password-" + std::to_string(::getpid()));
    std::ofstream{path} << "secret\n";
    CHECK(run(client->put("a", "1")).error().why == cause::auth);

    options.user = "root";
    options.password_file = path;
    etcd::client known{loop.get_executor(), names, options};
    REQUIRE(run(known.put("a", "1")).has_value());
    pause(2500ms);  // the token's life, and a second for etcd to notice
    CHECK(run(known.put("a", "2")).has_value());
    etcd::watch watch{loop.get_executor(), known, watching, seen};
    test::background running{loop, watch.run()};
    until([&] { return seen.connected == 1; });

    std::ofstream{path} << "wrong\n";
    etcd::client wrong{loop.get_executor(), names, options};
    CHECK(run(wrong.put("a", "3")).error().why == cause::auth);
    std::filesystem::remove(path);
}

TEST_CASE_METHOD(real_fixture, "etcd: a key lives as long as its holder", "[etcd][real]") {
    NEEDS_ETCD();
    start();
    etcd::presence_options holding;
    holding.key = "p/host";
    holding.ours = [](std::string_view value) { return value == "me"; };
    holding.ttl = 2s;
    etcd::presence presence{loop.get_executor(), *client, holding};
    presence.show("me");
    {
        test::background running{loop, presence.run()};
        until([&] { return presence.now() == etcd::presence::state::held; });
        const auto held = run(client->range(etcd::key_range{"p/host", false}));
        CHECK(held->keys.at(0).lease != 0);

        // Another program, so it does not know our value as its own.
        auto stranger = holding;
        stranger.ours = nullptr;
        etcd::presence second{loop.get_executor(), *client, stranger};
        second.show("you");
        test::background contending{loop, second.run()};
        until([&] { return second.now() == etcd::presence::state::duplicate; });
        CHECK(run(client->range(etcd::key_range{"p/host", false}))->keys.at(0).value == "me");
    }
    test::run(loop, presence.release());
    CHECK(run(client->range(etcd::key_range{"p/host", false}))->keys.empty());
    CHECK(run(client->keep_alive(12345)).error().why == cause::not_found);
}

TEST_CASE_METHOD(real_fixture, "etcd: TLS with a client certificate that has no CommonName",
                 "[etcd][real]") {
    NEEDS_ETCD();
    test::certificates files{"etcd.test"};
    options.tls.ca_file = files.ca_file();
    options.tls.cert_file = files.client_file();
    start({"--cert-file=" + files.server_file(), "--key-file=" + files.server_file(),
           "--trusted-ca-file=" + files.ca_file(), "--client-cert-auth"},
          true);
    CHECK(run(client->put("a", "1")).has_value());
    options.tls.cert_file.clear();
    etcd::client without{loop.get_executor(), names, options};
    const auto refused = run(without.put("a", "2"));
    CHECK(refused.error().why == cause::unreachable);
    INFO(refused.error().text);
    CHECK(refused.error().text.find("certificate") != std::string::npos);
}
