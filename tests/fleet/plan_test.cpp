#include "logagent/fleet/plan.hpp"

#include <boost/json/serialize.hpp>

#include "fleet/fleet_fixture.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using namespace logagent::test;

namespace {

const std::string hand_array = R"([{"service":"s","log_path":"/hand","topic":"t","send_rate":9}])";

key_state ours(std::string address, std::string value, std::int64_t revision = 5) {
    return {std::move(address), value, revision, content_hash(value)};
}

key_state by_hand(std::string address, std::string value) {
    return {std::move(address), std::move(value), 5, ""};
}

struct planned {
    planned(std::vector<host> hosts, std::vector<service> services,
            const std::vector<key_state>& keys, const plan_options& options = {})
        : index{std::move(hosts)},
          wanted{render(states(std::move(services)), index)},
          out{make_plan(wanted, index, keys, options)} {}

    const planned_key& only_write() const {
        REQUIRE(out.writes.size() == 1);
        return out.writes[0];
    }
    const planned_key& only_held() const {
        CHECK(out.writes.empty());
        REQUIRE(out.held.size() == 1);
        return out.held[0];
    }
    std::string diff(const planned_key& key) const {
        std::string text;
        for (const auto index_of : key.changes) {
            const auto& change = out.changes[index_of].change;
            text += change.kind == change_kind::added     ? "+"
                    : change.kind == change_kind::removed ? "-"
                                                          : "~";
            text += change.log_path;
        }
        return text;
    }

    host_index index;
    rendering wanted;
    plan out;
};

const auto h1 = make_host("h1", {"10.0.0.1"});
const auto h2 = make_host("h2", {"10.0.0.2"});

std::string value_for(const service& one) {
    const planned all{{h1}, {one}, {}};
    return value_of(all.only_write(), all.wanted);
}

}  // namespace

TEST_CASE("a new service adds its entries where there is no key yet", "[plan]") {
    const planned all{{h1, h2}, {make_service("a", {"h1"}, {"/a", "/b"})}, {}};
    const auto& key = all.only_write();
    CHECK(key.host == "h1");
    CHECK(key.address == "10.0.0.1");
    CHECK(key.mod_revision == 0);
    CHECK(all.diff(key) == "+/a+/b");
    CHECK(key.size == value_of(key, all.wanted).size());
    CHECK(all.out.unchanged == 1);
}

TEST_CASE("only what differs is changed, target by target and field by field", "[plan]") {
    const auto old = value_for(make_service("a", {"h1"}, {"/a", "/b", "/c"}));
    auto next = make_service("a", {"h1"}, {"/a", "/b", "/d"});
    next.files[1].target.send_rate = 7;
    const planned all{{h1}, {next}, {ours("10.0.0.1", old)}};
    const auto& key = all.only_write();
    CHECK(key.mod_revision == 5);
    CHECK(all.diff(key) == "~/b+/d-/c");
    CHECK(all.out.changes[key.changes[0]].change.fields ==
          std::vector<field_change>{{"send_rate", 0, 7}});
    CHECK_FALSE(key.drift);
    CHECK_FALSE(key.hand_written);
}

TEST_CASE("a host whose key holds what is wanted is unchanged", "[plan]") {
    const auto a = make_service("a", {"h1"}, {"/a"});
    const planned all{{h1, h2}, {a}, {ours("10.0.0.1", value_for(a)), ours("10.0.0.2", "[]")}};
    CHECK(all.out.writes.empty());
    CHECK(all.out.held.empty());
    CHECK(all.out.unchanged == 2);
}

TEST_CASE("a service that goes leaves an empty array, never a missing key", "[plan]") {
    const planned all{{h1}, {}, {ours("10.0.0.1", value_for(make_service("a", {"h1"}, {"/a"})))}};
    CHECK(value_of(all.only_write(), all.wanted) == "[]");
    CHECK(all.diff(all.only_write()) == "-/a");
}

TEST_CASE("one change of many hosts is one change that is counted", "[plan]") {
    const planned all{{h1, h2}, {make_service("a", {"*"}, {"/a"})}, {}};
    REQUIRE(all.out.changes.size() == 1);
    CHECK(all.out.changes[0].keys == 2);
    CHECK(all.out.writes[0].changes == all.out.writes[1].changes);
}

TEST_CASE("a hand-written key is held until somebody agrees", "[plan]") {
    const auto a = make_service("a", {"h1"}, {"/a"});
    const std::vector keys{by_hand("10.0.0.1", hand_array)};
    const planned all{{h1}, {a}, keys};
    CHECK(all.only_held().held == hold_reason::hand_written);
    CHECK(all.diff(all.only_held()) == "+/a-/hand");
    CHECK(all.out.changes[0].keys == 0);
    CHECK(all.out.hand_written == std::vector<std::string>{"10.0.0.1"});

    plan_options options;
    options.take_over = {"10.0.0.1"};
    const planned agreed{{h1}, {a}, keys, options};
    CHECK(agreed.only_write().hand_written);
    CHECK(agreed.diff(agreed.only_write()) == "+/a-/hand");
}

TEST_CASE("a hand-written key of a host that no service selects is left alone", "[plan]") {
    const planned all{{h1}, {}, {by_hand("10.0.0.1", hand_array)}};
    CHECK(all.out.writes.empty());
    CHECK(all.out.held.empty());
    CHECK(all.out.unchanged == 1);
    CHECK(all.out.hand_written.size() == 1);
    const planned empty{{h1}, {}, {by_hand("10.0.0.1", "[]")}};
    CHECK(empty.out.unchanged == 1);
    CHECK(empty.out.writes.empty());
    CHECK(empty.out.hand_written.empty());
}

TEST_CASE("a hand-written key with the wanted entries is taken over", "[plan]") {
    auto s = make_service("s", {"h1"}, {"/hand"});
    s.files[0].target.send_rate = 9;
    const auto* const text = R"([ {"topic":"t","log_path":"/hand","service":"s","send_rate":9} ])";
    const planned all{{h1}, {s}, {by_hand("10.0.0.1", text)}};
    CHECK(all.only_write().hand_written);
    CHECK(all.only_write().changes.empty());
    CHECK(value_of(all.only_write(), all.wanted) == hand_array);
    // Its very bytes are written once more: afterwards the key is known as ours.
    const planned same{{h1}, {s}, {by_hand("10.0.0.1", hand_array)}};
    CHECK(same.only_write().changes.empty());
}

TEST_CASE("what agents cannot read or refuse is told before it is lost", "[plan]") {
    const auto a = make_service("a", {"h1"}, {"/a"});
    SECTION("a broken document by hand") {
        const auto* const text = GENERATE("", "{}", "[{]", R"([{"log_path":"/a" "topic":"t"}])",
                                          R"([{"log_path":"/a","topic":"t"},])");
        const planned all{{h1}, {a}, {by_hand("10.0.0.1", text)}};
        CHECK(all.only_held().broken);
        CHECK(all.only_held().lost.size() == 1);
    }
    SECTION("refused entries by hand") {
        const planned all{{h1}, {a}, {by_hand("10.0.0.1", R"([{"log_path":"a","topic":"t"},7])")}};
        CHECK_FALSE(all.only_held().broken);
        CHECK(all.only_held().lost.size() == 2);
    }
    SECTION("an entry whose fields are ambiguous") {
        const planned all{{h1}, {a}, {by_hand("10.0.0.1", R"([{"topic":"t","topic":"u"}])")}};
        CHECK_FALSE(all.only_held().broken);
        CHECK(all.only_held().lost.size() == 1);
    }
}

TEST_CASE("a key that somebody else changed is drift", "[plan]") {
    const auto a = make_service("a", {"h1"}, {"/a"});
    auto edited = ours("10.0.0.1", value_for(a));
    SECTION("changed, and nothing new to write") {
        edited.value = hand_array;
        const planned all{{h1}, {a}, {edited}};
        CHECK(all.only_held().held == hold_reason::drift);
        CHECK(all.diff(all.only_held()) == "+/a-/hand");
        plan_options options;
        options.repair_drift = true;
        CHECK(planned{{h1}, {a}, {edited}, options}.only_write().drift);
    }
    SECTION("changed, and the host gets something new") {
        edited.value = hand_array;
        const planned all{{h1}, {make_service("a", {"h1"}, {"/a", "/b"})}, {edited}};
        CHECK(all.only_write().drift);
        CHECK_FALSE(all.only_write().hand_written);
    }
    SECTION("deleted") {
        edited.value.reset();
        edited.mod_revision = 0;
        const planned all{{h1}, {a}, {edited}};
        CHECK(all.only_held().held == hold_reason::drift);
        CHECK(all.only_held().mod_revision == 0);
    }
    SECTION("changed into what is wanted now") {
        const auto next = make_service("a", {"h1"}, {"/b"});
        edited.value = value_for(next);
        const planned all{{h1}, {next}, {edited}};
        CHECK(all.only_write().drift);
        CHECK(all.only_write().changes.empty());
    }
}

TEST_CASE("a host that an error concerns keeps its key", "[plan]") {
    const planned all{
        {h1, h2}, {make_service("a", {"*"}, {"/a"}), make_service("b", {"h1"}, {"/a"})}, {}};
    CHECK(all.only_write().host == "h2");
    REQUIRE(all.out.held.size() == 1);
    CHECK(all.out.held[0].held == hold_reason::blocked);
    CHECK(all.out.errors.size() == 1);
}

TEST_CASE("a key of an address that is not primary any more is emptied with the other", "[plan]") {
    auto moved = make_host("h1", {"10.0.0.1", "10.0.0.9"});
    moved.primary_ip = "10.0.0.9";
    const auto a = make_service("a", {"h1"}, {"/a"});
    const planned all{{moved}, {a}, {ours("10.0.0.1", value_for(a))}};
    REQUIRE(all.out.writes.size() == 2);
    CHECK(all.out.writes[0].address == "10.0.0.1");
    CHECK(value_of(all.out.writes[0], all.wanted) == "[]");
    CHECK(all.out.writes[1].address == "10.0.0.9");
    CHECK(all.out.writes[1].mod_revision == 0);
}

TEST_CASE("a key of an address that no host has is left alone unless asked for", "[plan]") {
    const auto old = ours("10.0.0.77", hand_array);
    const planned all{{h1}, {}, {old, by_hand("10.0.0.78", hand_array)}};
    CHECK(all.only_held().held == hold_reason::orphan);
    CHECK(all.only_held().host.empty());
    CHECK(all.out.hand_written == std::vector<std::string>{"10.0.0.78"});
    plan_options options;
    options.empty_orphans = true;
    const planned emptied{{h1}, {}, {old, by_hand("10.0.0.78", hand_array)}, options};
    CHECK(emptied.only_write().address == "10.0.0.77");
    const planned done{{h1}, {}, {ours("10.0.0.77", "[]")}, options};
    CHECK(done.out.writes.empty());
}

TEST_CASE("a plan is told as JSON", "[plan]") {
    const planned all{{h1, h2},
                      {make_service("a", {"h1"}, {"/a"}), make_service("b", {"h2"}, {"/b"})},
                      {by_hand("10.0.0.2", hand_array)}};
    CHECK(boost::json::serialize(to_json(all.out.writes[0], all.out)) ==
          R"({"host":"h1","address":"10.0.0.1","mod_revision":0,"action":"write","drift":false,)"
          R"("hand_written":false,"broken":false,)"
          R"("diff":[{"kind":"added","log_path":"/a","topic":"t","service":"a"}]})");
    CHECK(to_json(all.out.held[0], all.out).at("action") == "held:hand_written");
    const auto summary = boost::json::serialize(summary_json(all.out));
    CHECK(summary.starts_with(
        R"({"keys":{"write":1,"held":1,"unchanged":0},"changes":[{"kind":"added",)"
        R"("log_path":"/a","topic":"t","service":"a","keys":1},)"));
    CHECK(summary.find(R"("hand_written":["10.0.0.2"],"errors":[],"warnings":[],"topics":[)") !=
          std::string::npos);
}

TEST_CASE("a plan that is made in slices is the same plan", "[plan]") {
    std::vector<host> hosts;
    std::vector<key_state> keys;
    for (int i = 0; i < 20; ++i) {
        const auto address = "10.0.0." + std::to_string(i);
        hosts.push_back(make_host("h" + std::to_string(i), {address}));
        if (i % 3 == 0) keys.push_back(ours(address, hand_array));
        if (i % 3 == 1) keys.push_back(by_hand("10.0.1." + std::to_string(i), hand_array));
    }
    host_index index{hosts};
    const auto wanted = render(states({make_service("a", {"h1*"}, {"/a"})}), index);
    const auto whole = make_plan(wanted, index, keys);
    planning slices{wanted, index, keys};
    std::size_t count = 1;
    while (slices.advance(3))
        ++count;
    CHECK(count == (hosts.size() + keys.size() + 2) / 3);
    const auto sliced = slices.finish();
    CHECK(boost::json::serialize(summary_json(sliced)) ==
          boost::json::serialize(summary_json(whole)));
    CHECK(sliced.writes.size() == whole.writes.size());
    CHECK(whole.writes.size() > 10);
}
