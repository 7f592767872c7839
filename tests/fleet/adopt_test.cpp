#include "logagent/fleet/adopt.hpp"

#include <map>
#include <random>

#include "fleet/fleet_fixture.hpp"
#include "logagent/fleet/plan.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using namespace logagent::test;

namespace {

log_target target(std::string service, std::string path, std::uint64_t rate = 0) {
    return make_file(service, std::move(path), "t", rate).target;
}

std::string array(const std::vector<log_target>& targets) {
    return canonical_logconfig(targets);
}

std::vector<std::string> notes(const adoption& out) {
    std::vector<std::string> codes;
    for (const auto& note : out.notes)
        codes.push_back(note.code);
    return codes;
}

/// What the keys of `hosts` hold after the adoption was applied, by address.
std::map<std::string, std::string> applied(const adoption& adopted, host_index& hosts,
                                           const std::vector<written_key>& keys) {
    std::vector<key_state> states_of;
    std::map<std::string, std::string> out;
    for (const auto& [address, value] : keys) {
        states_of.push_back({address, value, 3, ""});
        out[address] = value;
    }
    const auto wanted = render(states(adopted.services), hosts);
    CHECK(wanted.errors.empty());
    plan_options options;
    options.take_over = adopted.addresses;
    const auto all = make_plan(wanted, hosts, states_of, options);
    for (const auto& key : all.writes) {
        CHECK(key.changes.empty());
        out[key.address] = value_of(key, wanted);
    }
    return out;
}

}  // namespace

TEST_CASE("equal entries over hosts become one service", "[adopt]") {
    const host_index hosts{{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"})}};
    const auto both = array({target("web", "/a"), target("web", "/b")});
    const auto out = adopt(std::vector<written_key>{{"10.0.0.1", both}, {"10.0.0.2", both}}, hosts);
    CHECK(out.notes.empty());
    REQUIRE(out.services.size() == 1);
    CHECK(out.services[0].name == "web");
    CHECK(out.services[0].source == "ui");
    CHECK(out.services[0].hosts.list == std::vector<std::string>{"h1", "h2"});
    CHECK(out.services[0].files.size() == 2);
    CHECK(out.addresses.size() == 2);
}

TEST_CASE("what only some hosts have is a document of its own under the same name in records",
          "[adopt]") {
    host_index hosts{{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"})}};
    const std::vector<written_key> keys{
        {"10.0.0.1", array({target("web", "/a"), target("web", "/b")})},
        {"10.0.0.2", array({target("web", "/a"), target("web", "/b", 5)})}};
    const auto out = adopt(keys, hosts, {"web-2"});
    REQUIRE(out.services.size() == 3);
    CHECK(out.services[0].name == "web");
    CHECK(out.services[0].hosts.list.size() == 2);
    CHECK(out.services[1].name == "web-3");
    CHECK(out.services[1].files[0].target.service == "web");
    CHECK(notes(out) == std::vector<std::string>{"renamed", "renamed"});
    CHECK(applied(out, hosts, keys) ==
          std::map<std::string, std::string>{{"10.0.0.1", keys[0].value},
                                             {"10.0.0.2", keys[1].value}});
}

TEST_CASE("a service whose name cannot name a document keeps it in records", "[adopt]") {
    host_index hosts{{make_host("h1", {"10.0.0.1"})}};
    const std::vector<written_key> keys{
        {"10.0.0.1", array({target("", "/a"), target("订单", "/b"), target("my app", "/c")})}};
    const auto out = adopt(keys, hosts);
    CHECK(notes(out) == std::vector<std::string>{"renamed", "renamed", "renamed"});
    REQUIRE(out.services.size() == 3);
    CHECK(out.services[0].name == "my-app");
    CHECK(applied(out, hosts, keys)["10.0.0.1"] == keys[0].value);
    for (const auto& one : out.services) {
        const auto errors = read_service(to_json(one)).errors;
        for (const auto& error : errors)
            UNSCOPED_INFO(error.pointer << " " << error.text);
        CHECK(errors.empty());
    }
}

TEST_CASE("what cannot be adopted is told and left alone", "[adopt]") {
    const host_index hosts{{make_host("h1", {"10.0.0.1", "10.0.0.2"})}};
    const auto run = [&](std::vector<written_key> keys) { return adopt(keys, hosts); };
    SECTION("a broken document") {
        const auto out = run({{"10.0.0.1", "{"}});
        CHECK(notes(out) == std::vector<std::string>{"broken"});
        CHECK(out.addresses.empty());
    }
    SECTION("an entry that agents refuse") {
        const auto out = run({{"10.0.0.1", R"([{"log_path":"a","topic":"t"}])"}});
        CHECK(notes(out) == std::vector<std::string>{"refused"});
        CHECK(out.services.empty());
    }
    SECTION("an address that no host has") {
        const auto out = run({{"10.0.0.77", array({target("a", "/a")})}});
        CHECK(notes(out) == std::vector<std::string>{"unknown_host"});
        CHECK(out.services.at(0).hosts.list == std::vector<std::string>{"10.0.0.77"});
    }
    SECTION("the entry of a host's second key that its agent does not use") {
        const auto out = run({{"10.0.0.2", array({target("a", "/a", 2), target("a", "/b")})},
                              {"10.0.0.1", array({target("a", "/a", 1)})}});
        CHECK(notes(out) == std::vector<std::string>{"conflict"});
        REQUIRE(out.services.size() == 1);
        REQUIRE(out.services[0].files.size() == 2);
        CHECK(out.services[0].files[0].target.send_rate == 1);
    }
    SECTION("an order that sorting changes") {
        const auto out = run({{"10.0.0.1", array({target("a", "/v/b*"), target("a", "/v/a*")})},
                              {"10.0.0.2", array({target("a", "/v/b*"), target("a", "/v/a*")})}});
        CHECK(notes(out) == std::vector<std::string>{"order"});
    }
}

TEST_CASE("adopted arrays are the same arrays after they are rendered", "[adopt]") {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937 random{seed};
        std::vector<host> hosts;
        std::vector<written_key> keys;
        std::map<std::string, std::string> before;
        for (int i = 0; i < 12; ++i) {
            const auto address = "10.0.0." + std::to_string(i);
            hosts.push_back(make_host("h" + std::to_string(i), {address}));
            if (random() % 5 == 0) continue;
            std::vector<log_target> targets;
            for (char path = 'a'; path < 'h'; ++path)
                if (random() % 2 == 0)
                    targets.push_back(target(std::string{"s"} + char('0' + random() % 3),
                                             std::string{"/"} + path, random() % 2));
            before[address] = array(targets);
            keys.push_back({address, before[address]});
        }
        host_index index{hosts};
        INFO("seed " << seed);
        REQUIRE(applied(adopt(keys, index), index, keys) == before);
    }
}
