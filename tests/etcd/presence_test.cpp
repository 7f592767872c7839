#include "logagent/etcd/presence.hpp"

#include "etcd/gateway_fixture.hpp"
#include "support/test.hpp"

namespace etcd = logagent::etcd;
namespace test = logagent::test;
using namespace std::chrono_literals;
using state = etcd::presence::state;
using test::fake_gateway;

namespace {

struct presence_fixture : test::gateway_fixture {
    etcd::presence_options holding;
    std::optional<etcd::presence> presence;
    std::optional<test::background> running;
    int changes = 0;

    presence_fixture() {
        holding.key = "_status/web1";
        holding.other_key = "_status/web1~0001";
        holding.ours = [](std::string_view value) { return value.starts_with("me"); };
        holding.ttl = 1s;
        holding.first_retry = 1ms;
        holding.longest_retry = 2ms;
    }
    ~presence_fixture() {
        if (running) running->stop();
    }
    void start(const std::string& value = "me 1") {
        presence.emplace(loop.get_executor(), etcd(), holding, [this] { ++changes; });
        running.emplace(loop, presence->run());
        presence->show(value);
    }
    template <class Ready>
    void until(Ready ready) {
        test::run_until(loop, ready);
    }
};

}  // namespace

TEST_CASE_METHOD(presence_fixture, "a free key is taken under a lease and follows the value",
                 "[etcd]") {
    start();
    until([&] { return presence->now() == state::held; });
    CHECK(presence->held_key() == "_status/web1");
    CHECK(presence->text().empty());
    CHECK(gateway.keys.at("_status/web1").value == "me 1");
    CHECK(gateway.keys.at("_status/web1").lease == gateway.next_lease);
    presence->show("me 2");
    until([&] { return gateway.keys.at("_status/web1").value == "me 2"; });
    CHECK(changes == 1);
}

TEST_CASE_METHOD(presence_fixture, "nothing is written before the first value", "[etcd]") {
    presence.emplace(loop.get_executor(), etcd(), holding);
    running.emplace(loop, presence->run());
    loop.poll();
    CHECK(gateway.calls.empty());
}

TEST_CASE_METHOD(presence_fixture, "a key left by an earlier run of ours is taken over", "[etcd]") {
    gateway.put("_status/web1", "me of yesterday", 5);
    start();
    until([&] { return presence->now() == state::held; });
    CHECK(gateway.keys.at("_status/web1").value == "me 1");
    CHECK(gateway.keys.at("_status/web1").lease == gateway.next_lease);
}

TEST_CASE_METHOD(presence_fixture, "another holder is respected and reported", "[etcd]") {
    gateway.put("_status/web1", "someone else", 5);
    SECTION("with a second key to hold") {
        start();
        until([&] { return presence->now() == state::duplicate; });
        CHECK(presence->held_key() == "_status/web1~0001");
        CHECK(gateway.keys.at("_status/web1").value == "someone else");
        CHECK(gateway.keys.at("_status/web1~0001").value == "me 1");
        CHECK(presence->text() == "another program holds _status/web1");

        gateway.remove("_status/web1");
        until([&] { return presence->now() == state::held; });
        until([&] { return !gateway.keys.contains("_status/web1~0001"); });
        CHECK(gateway.keys.at("_status/web1").value == "me 1");
    }
    SECTION("without one") {
        holding.other_key.clear();
        start();
        until([&] { return presence->now() == state::duplicate; });
        CHECK(presence->held_key().empty());
        CHECK(gateway.keys.size() == 1);
    }
}

TEST_CASE_METHOD(presence_fixture, "a lost lease is replaced and the key taken again", "[etcd]") {
    start();
    until([&] { return presence->now() == state::held; });
    gateway.keys.clear();  // as etcd does with the keys of an expired lease
    const auto first = gateway.next_lease++;
    until([&] { return gateway.keys.contains("_status/web1"); });
    CHECK(gateway.keys.at("_status/web1").lease > first);
    until([&] { return presence->now() == state::held; });
}

TEST_CASE_METHOD(presence_fixture, "a key taken away by hand is noticed with the next value",
                 "[etcd]") {
    start();
    until([&] { return presence->now() == state::held; });
    gateway.remove("_status/web1");
    presence->show("me 2");
    until([&] { return gateway.keys.contains("_status/web1"); });
    CHECK(gateway.keys.at("_status/web1").value == "me 2");
}

TEST_CASE_METHOD(presence_fixture, "etcd away and back is an absence with a reason, then held",
                 "[etcd]") {
    gateway.instead = [](const fake_gateway::call&) { return std::string{}; };
    start();
    until([&] { return !presence->text().empty(); });
    CHECK(presence->now() == state::absent);
    gateway.instead = nullptr;
    until([&] { return presence->now() == state::held; });
}

TEST_CASE_METHOD(presence_fixture, "a clean end gives the key back at once", "[etcd]") {
    start();
    until([&] { return presence->now() == state::held; });
    running->stop();
    test::run(loop, presence->release());
    CHECK(gateway.keys.empty());
    CHECK(presence->now() == state::absent);
}
