#include "logagent/fleet/rollout.hpp"

#include <boost/json/serialize.hpp>

#include "fleet_fixture.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using logagent::test::make_service;

namespace {

constexpr std::int64_t second = 1000;
constexpr std::uint64_t mib = 1 << 20;

std::vector<std::string> many(std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back("host-" + std::to_string(i));
    return out;
}

constexpr unsigned usual[] = {0, 5, 25, 100};

/// A rollout over some hosts that all are there and have applied what they should.
struct fleet_of {
    explicit fleet_of(std::size_t count) {
        const auto names = many(count);
        one.id = "r1";
        one.next = make_service("shop", {"*"}, {"/a"});
        one.first_host = choose_first(names, one.id);
        one.stages = plan_stages(names, usual, one.reached());
        one.began_ms = now = 1'000'000;
        for (const auto& name : names)
            hosts.push_back({name, true, true, "", 0});
    }

    /// Hosts that are in it by now, or those that are not.
    std::vector<rollout_host*> side(bool inside) {
        std::vector<rollout_host*> out;
        for (auto& host : hosts)
            if (one.reached().contains(host.name) == inside) out.push_back(&host);
        return out;
    }

    rollout_decision decide_at(std::int64_t at) { return decide(one, hosts, at); }
    rollout_decision decide_now() { return decide_at(now); }

    rollout one;
    std::vector<rollout_host> hosts;
    std::int64_t now = 0;
};

/// Carries out what was decided, as the driver does.
void carry_out(fleet_of& fleet, const rollout_decision& decided, std::int64_t now) {
    auto& one = fleet.one;
    if (decided.move == rollout_move::settle) one.settled_ms = now;
    if (decided.move == rollout_move::finish) one.state = rollout_state::done;
    if (decided.move == rollout_move::abort) one.state = rollout_state::aborted;
    if (decided.move == rollout_move::pause) one.state = rollout_state::paused;
    if (decided.move != rollout_move::advance) return;
    ++one.stage;
    one.began_ms = now;
    one.settled_ms = 0;
    one.before = note_before(fleet.hosts);
}

}  // namespace

TEST_CASE("a healthy rollout goes through its stages and is done", "[rollout]") {
    fleet_of fleet{1000};
    REQUIRE(fleet.one.stages.size() == 4);
    std::vector<rollout_move> moves;
    std::int64_t took = 0;
    for (; fleet.one.active() && took < 3600; ++took) {
        const auto decided = fleet.decide_at(fleet.now + took * second);
        carry_out(fleet, decided, fleet.now + took * second);
        if (decided.move != rollout_move::wait) moves.push_back(decided.move);
    }
    using enum rollout_move;
    CHECK(moves == std::vector{settle, advance, settle, advance, settle, advance, settle, finish});
    CHECK(took >= 4 * fleet.one.bake_s);
    CHECK(took <= 4 * fleet.one.bake_s + 8);
}

TEST_CASE("a stage waits until those that are there have answered", "[rollout]") {
    fleet_of fleet{1000};
    fleet.one.stage = 1;
    auto inside = fleet.side(true);
    inside[3]->applied = false;
    CHECK(fleet.decide_now().move == rollout_move::wait);

    SECTION("and is settled when the last one has") {
        inside[3]->applied = true;
        CHECK(fleet.decide_now().move == rollout_move::settle);
    }
    SECTION("and pauses after a while, naming who has not") {
        const auto decided = fleet.decide_at(fleet.now + fleet.one.patience_s * second);
        CHECK(decided.move == rollout_move::pause);
        CHECK(decided.why.code == "silent");
        CHECK(decided.why.hosts == std::vector{inside[3]->name});
    }
    SECTION("but not for one that was away when it began") {
        inside[3]->live = false;
        fleet.one.before = note_before(fleet.hosts);
        CHECK(fleet.decide_now().move == rollout_move::settle);
    }
    SECTION("and not for those that are not in it") {
        inside[3]->applied = true;
        fleet.side(false)[0]->applied = false;
        CHECK(fleet.decide_now().move == rollout_move::settle);
    }
}

TEST_CASE("nobody there to answer is no success", "[rollout]") {
    fleet_of fleet{10};
    for (auto& host : fleet.hosts)
        host.live = false;
    fleet.one.before = note_before(fleet.hosts);
    CHECK(fleet.decide_now().move == rollout_move::wait);
    const auto decided = fleet.decide_at(fleet.now + fleet.one.patience_s * second);
    CHECK(decided.move == rollout_move::pause);
    CHECK(decided.why.code == "silent");
}

TEST_CASE("a service that selects no host is rolled out at once", "[rollout]") {
    fleet_of fleet{0};
    CHECK(fleet.one.stages == std::vector<rollout_stage_state>{{100, 0, 0, 0}});
    CHECK(fleet.decide_now().move == rollout_move::settle);
    fleet.one.settled_ms = fleet.now;
    CHECK(fleet.decide_at(fleet.now + fleet.one.bake_s * second).move == rollout_move::finish);
}

TEST_CASE("one host that refuses the configuration ends the rollout", "[rollout]") {
    fleet_of fleet{1000};
    fleet.one.stage = 2;
    auto* const bad = fleet.side(true)[7];
    bad->failed = "/0/log_path: denied";
    bad->applied = false;
    const auto decided = fleet.decide_now();
    CHECK(decided.move == rollout_move::abort);
    CHECK(decided.why.code == "failed");
    CHECK(decided.why.hosts == std::vector{bad->name});
    CHECK(decided.why.detail == "1 host cannot apply it: /0/log_path: denied");

    SECTION("while it is watched, too") {
        fleet.one.settled_ms = fleet.now;
        CHECK(fleet.decide_now().move == rollout_move::abort);
    }
    SECTION("unless it refused its configuration before") {
        fleet.one.before = note_before(fleet.hosts);
        CHECK(fleet.decide_now().move == rollout_move::settle);
    }
    SECTION("unless it is not in the rollout") {
        bad->failed.clear();
        bad->applied = true;
        fleet.side(false)[0]->failed = "no";
        CHECK(fleet.decide_now().move == rollout_move::settle);
    }
    SECTION("a rollout that is paused, done or aborted does nothing by itself") {
        for (const auto state :
             {rollout_state::paused, rollout_state::done, rollout_state::aborted}) {
            fleet.one.state = state;
            CHECK(fleet.decide_now() == rollout_decision{});
        }
    }
}

TEST_CASE("hosts that fall silent end the rollout if they are more than may happen anyway",
          "[rollout]") {
    fleet_of fleet{1000};
    fleet.one.stage = 2;
    const auto inside = fleet.side(true);
    const auto bearable = inside.size() * tolerated_percent / 100;
    for (std::size_t i = 0; i < bearable; ++i)
        inside[i]->live = false;
    CHECK(fleet.decide_now().move == rollout_move::settle);
    inside[bearable]->live = false;
    const auto decided = fleet.decide_now();
    CHECK(decided.move == rollout_move::abort);
    CHECK(decided.why.code == "heartbeat");
    CHECK(decided.why.hosts.size() == std::min(bearable + 1, rollout_reason::most_named));

    SECTION("but it pauses if the others fall silent as well") {
        const auto outside = fleet.side(false);
        for (std::size_t i = 0; i < outside.size() / 20; ++i)
            outside[i]->live = false;
        const auto again = fleet.decide_now();
        CHECK(again.move == rollout_move::pause);
        CHECK(again.why.code == "fleet");
    }
    SECTION("a few of the others are no excuse") {
        fleet.side(false)[0]->live = false;
        CHECK(fleet.decide_now().move == rollout_move::abort);
    }
}

TEST_CASE("a host that has never had an agent is no reason for anything", "[rollout]") {
    fleet_of fleet{100};
    fleet.one.stage = fleet.one.stages.size() - 1;
    for (std::size_t i = 0; i < 20; ++i) {
        fleet.hosts[i].live = fleet.hosts[i].applied = fleet.hosts[i].seen = false;
    }
    CHECK(fleet.decide_now().move == rollout_move::settle);
    fleet.hosts[0].seen = fleet.hosts[1].seen = fleet.hosts[2].seen = true;
    CHECK(fleet.decide_now().why.code == "heartbeat");
}

TEST_CASE("the only host of the first stage must not fall silent", "[rollout]") {
    fleet_of fleet{100};
    REQUIRE(fleet.side(true).size() == 1);
    fleet.side(true)[0]->live = false;
    CHECK(fleet.decide_now().why.code == "heartbeat");
}

TEST_CASE("hosts that fall behind since the stage began end the rollout", "[rollout]") {
    fleet_of fleet{1000};
    fleet.one.stage = 1;
    fleet.one.settled_ms = fleet.now;
    const auto inside = fleet.side(true);
    for (auto* const host : inside)
        host->lag_bytes = 500 * mib;
    fleet.one.before = note_before(fleet.hosts);
    CHECK(fleet.decide_now().move == rollout_move::wait);
    for (auto* const host : inside)
        host->lag_bytes = 500 * mib + tolerated_lag;
    CHECK(fleet.decide_now().move == rollout_move::wait);
    for (auto* const host : inside)
        host->lag_bytes = 501 * mib + tolerated_lag;
    const auto decided = fleet.decide_now();
    CHECK(decided.move == rollout_move::abort);
    CHECK(decided.why.code == "lag");

    SECTION("but it pauses if all fall behind") {
        for (auto* const host : fleet.side(false))
            host->lag_bytes = 100 * mib;
        CHECK(fleet.decide_now().why.code == "fleet");
        CHECK(fleet.decide_now().move == rollout_move::pause);
    }
    SECTION("where no lag is known nothing is concluded from it") {
        for (auto* const host : inside)
            host->lag_bytes.reset();
        CHECK(fleet.decide_now().move == rollout_move::wait);
    }
}

TEST_CASE("a rollout that is not automatic waits for a person after each stage", "[rollout]") {
    fleet_of fleet{100};
    fleet.one.automatic = false;
    fleet.one.settled_ms = fleet.now;
    CHECK(fleet.decide_at(fleet.now + 1'000'000 * second).move == rollout_move::wait);
    fleet.one.stage = fleet.one.stages.size() - 1;
    CHECK(fleet.decide_at(fleet.now + 1'000'000 * second).move == rollout_move::finish);
    fleet.side(true)[0]->failed = "no";
    CHECK(fleet.decide_now().move == rollout_move::abort);
}

TEST_CASE("each host belongs to the stage that first reaches it", "[rollout]") {
    fleet_of fleet{1000};
    std::vector<std::size_t> counts(fleet.one.stages.size());
    for (const auto& host : fleet.hosts)
        ++counts[fleet.one.stage_of(host.name)];
    std::size_t sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i)
        CHECK((sum += counts[i]) == fleet.one.stages[i].hosts);
}

TEST_CASE("stages may be chosen, and the last one is always everybody", "[rollout]") {
    const auto names = many(100);
    const cohort begin{"r", choose_first(names, "r"), 0};
    const unsigned half[] = {50, 100};
    CHECK(plan_stages(names, half, begin).size() == 2);
    const unsigned at_once[] = {100};
    CHECK(plan_stages(names, at_once, begin) == std::vector<rollout_stage_state>{{100, 100, 0, 0}});
    CHECK(plan_stages(many(1), usual, {"r", "host-0", 0}) ==
          std::vector<rollout_stage_state>{{100, 1, 0, 0}});
}

TEST_CASE("a stored rollout is read back as it was", "[rollout]") {
    fleet_of fleet{300};
    auto& one = fleet.one;
    one.revision = 8;
    one.from_revision = 7;
    one.state = rollout_state::paused;
    one.stage = 1;
    one.automatic = false;
    one.settled_ms = 5;
    one.before["web 1"] = {false, true, 77};
    one.reason = {"lag", "2 hosts fell behind", {"a", "b"}};
    one.created_ms = 99;
    one.by = "ci";
    one.message = "why";
    const auto text = boost::json::serialize(to_json(one));
    const auto read = parse_rollout(text);
    REQUIRE(read.has_value());
    CHECK(boost::json::serialize(to_json(*read)) == text);
    CHECK(read->before == one.before);
    CHECK(read->next == one.next);
    CHECK(read->reason == one.reason);

    for (const auto* broken : {"[]", "{}", R"({"state":"odd"})", R"({"state":"done","stages":[]})",
                               R"({"state":"done","stages":[1]})"})
        CHECK_FALSE(parse_rollout(broken).has_value());
}
