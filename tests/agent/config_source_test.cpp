#include "logagent/agent/config_source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <fstream>

#include "etcd/real_etcd.hpp"
#include "logagent/agent/announcer.hpp"
#include "logagent/base/json.hpp"
#include "logagent/etcd/client.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

using namespace logagent::agent;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace dns = logagent::dns;
namespace etcd = logagent::etcd;
namespace test = logagent::test;

#define NEEDS_ETCD()                     \
    if (!test::real_etcd::available()) { \
        WARN("skipped: etcd not found"); \
        return;                          \
    }

namespace {

const std::string key = "/logagent/10.0.0.1/logconfig";

std::string entry(const std::string& path, const std::string& more = "") {
    return R"({"service":"s","log_path":")" + path + R"(","topic":"t")" + more + "}";
}

/// What a source has handed over; says "applied" at once, as a quick collector would.
struct applied_sets {
    std::vector<std::vector<logagent::fleet::log_target>> sets;
    config_source* source = nullptr;

    apply_targets take() {
        return [this](std::vector<logagent::fleet::log_target> targets) {
            sets.push_back(std::move(targets));
            if (source != nullptr) source->applied(1000 + static_cast<std::int64_t>(sets.size()));
        };
    }
    /// Paths of the last set.
    std::vector<std::string> paths() const {
        std::vector<std::string> out;
        if (!sets.empty())
            for (const auto& target : sets.back())
                out.push_back(target.log_path);
        return out;
    }
};

struct temporary_directory {
    std::string path;
    temporary_directory() {
        std::string pattern = std::filesystem::temp_directory_path() / "logagent-config-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

using list = std::vector<std::string>;

bool has_problem(const config_report& report, const std::string& code) {
    return std::ranges::any_of(report.problems, [&](const auto& one) { return one.first == code; });
}

void write(const std::string& path, const std::string& text) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << text;
}

struct etcd_fixture {
    asio::io_context loop;
    dns::resolver names{loop.get_executor()};
    temporary_directory state;
    std::optional<test::real_etcd> server;
    std::optional<etcd::client> client;
    settings from;
    std::vector<std::string> addresses{"10.0.0.1"};
    follow_options options;
    applied_sets got;
    std::unique_ptr<config_source> source;
    std::optional<test::background> running;
    int told = 0;

    etcd_fixture() {
        from.allow_topics = {"*"};
        options.patience = 300ms;
        options.start_spread = 0ms;
        options.spread = 20ms;
        options.address_interval = 50ms;
        options.seed = 1;
    }

    void start_etcd() {
        server.emplace();
        etcd::client_options asking;
        asking.endpoints = {{"127.0.0.1", server->port(), false}};
        asking.timeout = 2s;
        asking.bad_endpoint = 100ms;
        client.emplace(loop.get_executor(), names, asking);
        put("x", "1");
    }
    void follow() {
        source = follow_etcd(
            loop.get_executor(), *client, from, [this] { return addresses; }, state.path,
            got.take(), options);
        got.source = source.get();
        source->on_change([this] { ++told; });
        running.emplace(loop, source->run());
    }
    void unfollow() {
        running.reset();
        source.reset();
        got = {};
    }
    /// Puts until etcd takes it: it may still be starting.
    std::int64_t put(const std::string& where, const std::string& value) {
        return test::run(loop, putting(*client, where, value));
    }
    static asio::awaitable<std::int64_t> putting(etcd::client& asked, std::string where,
                                                 std::string value) {
        asio::steady_timer pause{co_await asio::this_coro::executor};
        for (;;) {
            auto done = co_await asked.put(where, value);
            if (done) co_return done->revision;
            pause.expires_after(10ms);
            co_await pause.async_wait(asio::use_awaitable);
        }
    }
    void remove(const std::string& where) {
        etcd::txn_request request;
        etcd::operation gone;
        gone.what = etcd::operation::kind::remove;
        gone.keys.key = where;
        request.then.push_back(gone);
        REQUIRE(test::run(loop, client->txn(request)).has_value());
    }
    std::vector<etcd::key_value> under(const std::string& prefix) {
        etcd::key_range all;
        all.key = prefix;
        all.prefix = true;
        auto read = test::run(loop, client->range(all));
        REQUIRE(read.has_value());
        return read->keys;
    }
    template <class Ready>
    void until(Ready ready) {
        test::run_until(loop, ready);
    }
    void until_applied(std::int64_t revision) {
        until([&] {
            return source->report().state == "applied" && source->report().revision >= revision;
        });
    }
};

}  // namespace

TEST_CASE_METHOD(etcd_fixture, "a value that is put into etcd is applied",
                 "[config_source][real]") {
    NEEDS_ETCD();
    start_etcd();
    follow();
    until([&] { return source->report().connection.empty(); });
    CHECK(source->report().state == "waiting");
    CHECK(got.sets.empty());

    const auto first = put(key, "[" + entry("/a") + "]");
    until_applied(first);
    CHECK(got.paths() == list{"/a"});
    CHECK(source->report().source == "etcd");
    CHECK(source->report().revision == first);
    CHECK(source->report().applied_ms == 1001);
    CHECK(source->report().hash.size() == 16);
    CHECK(told > 0);

    SECTION("a bad entry is refused alone") {
        until_applied(put(key, "[" + entry("/a") + "," + entry("b") + "]"));
        CHECK(got.paths() == list{"/a"});
        REQUIRE(source->report().errors.size() == 1);
        CHECK(source->report().errors[0].key == key);
        CHECK(source->report().errors[0].pointer == "/1/log_path");
    }
    SECTION("a broken document changes nothing") {
        const auto before = source->report();
        const auto revision = put(key, "[{");
        until([&] { return source->report().state == "failed"; });
        CHECK(source->report().failed_revision == revision);
        CHECK(source->report().failed_ms > 0);
        CHECK(source->report().revision == before.revision);
        CHECK(source->report().hash == before.hash);
        CHECK(source->report().applied_ms == before.applied_ms);
        CHECK(got.sets.size() == 1);
        until_applied(put(key, "[" + entry("/b") + "]"));
        CHECK(got.paths() == list{"/b"});
        CHECK(source->report().errors.empty());
    }
    SECTION("[] stops the targets") {
        until_applied(put(key, "[]"));
        CHECK(got.sets.size() == 2);
        CHECK(got.paths().empty());
    }
    SECTION("a deletion stops the targets") {
        remove(key);
        until_applied(first + 1);
        CHECK(got.sets.size() == 2);
        CHECK(got.paths().empty());
        CHECK(source->report().problems.empty());
    }
    SECTION("many changes in a row end in the last one") {
        std::int64_t last = 0;
        for (int rate = 1; rate <= 100; ++rate)
            last = put(key, "[" + entry("/a", R"(,"send_rate":)" + std::to_string(rate)) + "]");
        until_applied(last);
        CHECK(got.sets.back().at(0).send_rate == 100);
    }
    SECTION("a new address brings its key, a lost one keeps its targets") {
        put("/logagent/10.0.0.2/logconfig", "[" + entry("/b") + "]");
        addresses = {"10.0.0.2"};
        until([&] { return got.paths() == list{"/a", "/b"}; });
        CHECK(has_problem(source->report(), "address_lost"));
        until_applied(put("/logagent/10.0.0.2/logconfig", "[" + entry("/c") + "]"));
        CHECK(got.paths() == list{"/a", "/c"});
    }
    SECTION("a host without any address goes on, and says why nothing changes") {
        addresses = {};
        until([&] { return has_problem(source->report(), "no_address"); });
        CHECK_FALSE(source->report().connection.empty());
        CHECK(got.paths() == list{"/a"});
        addresses = {"10.0.0.1"};
        until_applied(put(key, "[" + entry("/b") + "]"));
        CHECK(got.paths() == list{"/b"});
        CHECK_FALSE(has_problem(source->report(), "no_address"));
    }
}

TEST_CASE_METHOD(etcd_fixture, "a start waits for its moment before etcd is asked",
                 "[config_source][real]") {
    NEEDS_ETCD();
    start_etcd();
    put(key, "[" + entry("/a") + "]");
    options.start_spread = 1h;
    options.seed = 12345;  // draws 17 minutes
    follow();
    for (int i = 0; i < 20; ++i)
        put("x", "time for a watch to begin");
    CHECK(source->report().connection == "etcd was not asked yet");
    CHECK(got.sets.empty());
    source->reload();  // somebody does not want to wait
    until([&] { return got.paths() == list{"/a"}; });
}

TEST_CASE_METHOD(etcd_fixture, "a change waits for its moment, the first set does not",
                 "[config_source][real]") {
    NEEDS_ETCD();
    start_etcd();
    options.spread = 1h;
    follow();
    until_applied(
        put(key, "[" + entry("/a") + "]"));  // there is nothing that could go on meanwhile
    put(key, "[" + entry("/b") + "," + entry("c") + "]");
    until([&] { return !source->report().errors.empty(); });  // it is known, and told
    for (int i = 0; i < 20; ++i)
        put("x", "time for a mistake");
    CHECK(got.sets.size() == 1);
    CHECK(source->report().state == "applied");
}

TEST_CASE_METHOD(etcd_fixture, "while etcd is down at the start the copy on disk is used",
                 "[config_source][real]") {
    NEEDS_ETCD();
    start_etcd();
    follow();
    const auto first = put(key, "[" + entry("/a") + "]");
    until_applied(first);
    unfollow();
    server->kill();

    SECTION("until etcd comes") {
        follow();
        until([&] { return source->report().state == "applied"; });
        CHECK(got.paths() == list{"/a"});
        CHECK(source->report().source == "disk");
        CHECK(source->report().revision == first);
        CHECK_FALSE(source->report().connection.empty());
        server->start();
        until([&] { return source->report().source == "etcd"; });
        CHECK(got.sets.size() == 1);
        until_applied(put(key, "[" + entry("/b") + "]"));
        CHECK(got.paths() == list{"/b"});
    }
    SECTION("a corrupt copy is not used, and etcd's answer is") {
        write(state.path + "/last_good.json", R"({"check":"0","saved":{}})");
        options.patience = 0ms;
        follow();
        until([&] { return source->report().connection.find("next try") != std::string::npos; });
        CHECK(got.sets.empty());
        CHECK(source->report().state == "waiting");
        server->start();
        until_applied(first);
        CHECK(got.paths() == list{"/a"});
        // What etcd said is on disk again.
        unfollow();
        server->kill();
        follow();
        until([&] { return source->report().state == "applied"; });
        CHECK(source->report().source == "disk");
    }
}

TEST_CASE_METHOD(etcd_fixture, "a wiped etcd stops nothing, also over a restart of the agent",
                 "[config_source][real]") {
    NEEDS_ETCD();
    start_etcd();
    for (int i = 0; i < 20; ++i)
        put("x", "y");
    follow();
    until_applied(put(key, "[" + entry("/a") + "]"));
    const auto before = source->report();
    server->kill();
    server->wipe();
    server->start();
    until([&] { return has_problem(source->report(), "config_vanished"); });
    CHECK(got.sets.size() == 1);
    CHECK(source->report().state == "applied");
    CHECK(source->report().revision == before.revision);

    unfollow();
    follow();
    until([&] { return has_problem(source->report(), "config_vanished") && !got.sets.empty(); });
    CHECK(got.paths() == list{"/a"});

    const auto again = put(key, "[" + entry("/b") + "]");
    CHECK(again < before.revision);
    until([&] { return got.paths() == list{"/b"}; });
    CHECK_FALSE(has_problem(source->report(), "config_vanished"));
    CHECK(source->report().revision == again);
}

TEST_CASE_METHOD(etcd_fixture, "two agents of one name report under two keys",
                 "[announcer][real]") {
    NEEDS_ETCD();
    start_etcd();
    announcer_options one;
    one.key = status_key(from, "web1");
    CHECK(one.key == "/logagent/_status/web1");
    one.instance = "first";
    one.gather = 10ms;
    one.start_spread = 0ms;
    auto two = one;
    two.instance = "second";
    int count = 0;
    announcer first{loop.get_executor(), *client, one,
                    [&] { return R"({"instance":"first","n":)" + std::to_string(count) + "}"; }};
    announcer second{loop.get_executor(), *client, two,
                     [&] { return std::string{R"({"instance":"second"})"}; }};
    std::optional<test::background> speaking;
    speaking.emplace(loop, first.run());
    until([&] { return first.held_key() == one.key; });
    CHECK(first.problems().empty());
    {
        test::background other{loop, second.run()};
        until([&] { return !second.held_key().empty(); });
        CHECK(second.held_key().size() == one.key.size() + 9);
        CHECK(second.held_key().starts_with(one.key + "~"));
        REQUIRE(second.problems().size() == 1);
        CHECK(second.problems()[0].first == "duplicate_host");
        CHECK(under("/logagent/_status/").size() == 2);
    }
    test::run(loop, second.release());

    // What nobody calls urgent waits for its half minute ...
    count = 6;
    for (int i = 0; i < 20; ++i)
        put("x", "time for a mistake");
    CHECK(under(one.key).at(0).value == R"({"instance":"first","n":0})");
    // ... a result is written soon, and an end is seen at once.
    count = 7;
    first.notify();
    const auto told_at = std::chrono::steady_clock::now();
    while (under(one.key)[0].value != R"({"instance":"first","n":7})")
        REQUIRE(std::chrono::steady_clock::now() - told_at < 1s);
    speaking.reset();
    test::run(loop, first.release());
    CHECK(under("/logagent/_status/").empty());
}

TEST_CASE_METHOD(etcd_fixture, "a status that is too large is not written, and is a problem",
                 "[announcer][real]") {
    NEEDS_ETCD();
    start_etcd();
    announcer_options one;
    one.key = status_key(from, "web1");
    one.instance = "i";
    one.gather = 1ms;
    one.start_spread = 0ms;
    std::string value = R"({"instance":"i"})";
    announcer speaker{loop.get_executor(), *client, one, [&] { return value; }};
    test::background speaking{loop, speaker.run()};
    until([&] { return !speaker.held_key().empty(); });
    value = std::string(16'385, ' ');
    speaker.notify();
    until([&] { return !speaker.problems().empty(); });
    CHECK(speaker.problems()[0].first == "status_too_large");
    CHECK(under(one.key).at(0).value == R"({"instance":"i"})");
}

TEST_CASE("a logconfig file is followed, and what is broken in it changes nothing",
          "[config_source]") {
    asio::io_context loop;
    temporary_directory directory;
    const auto path = directory.path + "/logconfig.json";
    applied_sets got;

    SECTION("an unusable file is refused at the start") {
        const std::string text = GENERATE("", "[{", "{}");
        write(path, text);
        CHECK_THROWS_AS(follow_file(loop.get_executor(), path, got.take()),
                        logagent::base::problem_error);
        CHECK_THROWS_AS(follow_file(loop.get_executor(), directory.path + "/none", got.take()),
                        logagent::base::problem_error);
        CHECK_THROWS_AS(follow_file(loop.get_executor(), directory.path, got.take()),
                        logagent::base::problem_error);
        REQUIRE(::mkfifo((directory.path + "/fifo").c_str(), 0600) == 0);
        CHECK_THROWS_AS(follow_file(loop.get_executor(), directory.path + "/fifo", got.take()),
                        logagent::base::problem_error);
    }
    SECTION("a good one is applied, and so is each change") {
        write(path, "[" + entry("/a") + "," + entry("b") + "]");
        const auto source = follow_file(loop.get_executor(), path, got.take());
        got.source = source.get();
        CHECK(source->report().state == "waiting");
        test::background running{loop, source->run()};
        test::run_until(loop, [&] { return source->report().state == "applied"; });
        CHECK(got.paths() == list{"/a"});
        CHECK(got.sets.back().at(0).trusted);
        CHECK(source->report().source == "file");
        CHECK(source->report().errors.at(0).pointer == "/1/log_path");
        CHECK(source->report().errors.at(0).key == path);

        // Each look is asked for, as SIGHUP does.
        const auto look_until = [&](auto ready) {
            source->reload();
            test::run_until(loop, ready);
        };
        write(path, "[{");
        look_until([&] { return source->report().state == "failed"; });
        CHECK(got.sets.size() == 1);
        CHECK(has_problem(source->report(), "config_broken"));
        std::filesystem::remove(path);
        look_until([&] { return source->report().errors.at(0).code == "io"; });
        CHECK(got.sets.size() == 1);

        write(path + ".new", "[" + entry("/c") + "]");
        std::filesystem::rename(path + ".new", path);
        look_until([&] { return got.sets.size() == 2; });
        CHECK(got.paths() == list{"/c"});
        CHECK(source->report().state == "applied");
        CHECK(source->report().errors.empty());
        CHECK(source->report().problems.empty());

        write(path, "[" + entry("/d") + "]");  // nobody asks: it is seen within a second
        test::run_until(
            loop, [&] { return got.paths() == list{"/d"}; }, 5s);
    }
}

TEST_CASE("targets of the command line are applied once and trusted", "[config_source]") {
    asio::io_context loop;
    applied_sets got;
    logagent::fleet::log_target target;
    target.log_path = "/a";
    target.topic = "t";
    const auto source = fixed_targets({target}, got.take());
    got.source = source.get();
    CHECK(source->report().source == "flags");
    CHECK(source->report().state == "waiting");
    test::background running{loop, source->run()};
    test::run_until(loop, [&] { return source->report().state == "applied"; });
    REQUIRE(got.sets.size() == 1);
    CHECK(got.sets[0].at(0).trusted);
    CHECK(source->report().hash.size() == 16);
}
