#include "web/why.hpp"

#include <algorithm>

#include "support/test.hpp"

using namespace logagent::web;

namespace {

/// A file whose lines flow: each test breaks one thing.
why_facts healthy() {
    why_facts out;
    out.host = "web1";
    out.path = "/var/log/shop/a.log";
    out.known = true;
    out.online = true;
    why_entry entry;
    entry.service = "shop";
    entry.log_path = "/var/log/shop/*.log";
    entry.topic = "shop-access";
    out.defined = {entry};
    out.key_read = true;
    out.key = "/logagent/10.0.0.1/logconfig";
    out.key_revision = 20;
    out.written = {{3, entry}};
    out.config_state = "applied";
    out.applied_revision = 20;
    file_rate figures;
    figures.path = out.path;
    figures.state = "tailing";
    figures.lines_per_s = 10;
    figures.bytes_per_s = 1000;
    out.figures = figures;
    out.file_state = "tailing";
    return out;
}

/// The name of the broken step; empty = none is.
std::string broken_step(const why_facts& facts) {
    for (const auto& one : trace(facts))
        if (one.found == why_step::state::broken) return one.step;
    return {};
}

void check_broken(const why_facts& facts, const std::string& step, const std::string& remedy) {
    const auto steps = trace(facts);
    const auto found = std::find_if(steps.begin(), steps.end(), [](const why_step& one) {
        return one.found == why_step::state::broken;
    });
    REQUIRE(found != steps.end());
    CAPTURE(found->step, found->code, found->text, found->remedy);
    CHECK(found->step == step);
    CHECK_FALSE(found->code.empty());
    CHECK(found->remedy.find(remedy) != std::string::npos);
    for (auto later = found + 1; later != steps.end(); ++later)
        CHECK(later->found == why_step::state::skipped);
}

}  // namespace

TEST_CASE("where all is well up to Kafka, that is what it says", "[why]") {
    const auto steps = trace(healthy());
    REQUIRE(steps.size() == 10);
    for (std::size_t at = 0; at < 8; ++at) {
        CAPTURE(steps[at].step, steps[at].text);
        CHECK(steps[at].found == why_step::state::ok);
        CHECK(steps[at].remedy.empty());
    }
    CHECK(steps[8].step == "transfer");
    CHECK(steps[8].found == why_step::state::unknown);
    CHECK(steps[9].step == "sink");
}

TEST_CASE("a host that nobody has heard of is the reason", "[why]") {
    auto facts = healthy();
    facts.known = false;
    check_broken(facts, "rendered", "start logagent agent");
}

TEST_CASE("an agent that is away is the reason", "[why]") {
    auto facts = healthy();
    facts.online = false;
    facts.since = "2026-01-01T00:00:00Z";
    check_broken(facts, "rendered", "systemctl");
}

TEST_CASE("a path that no service collects is the reason", "[why]") {
    auto facts = healthy();
    facts.defined.clear();
    facts.written.clear();
    check_broken(facts, "rendered", "add an entry");
}

TEST_CASE("a service for other hosts is the reason", "[why]") {
    auto facts = healthy();
    facts.defined.front().selected = false;
    facts.written.clear();
    check_broken(facts, "rendered", "`hosts` of the service shop");
}

TEST_CASE("a service that is disabled is the reason", "[why]") {
    auto facts = healthy();
    facts.defined.front().enabled = false;
    facts.written.clear();
    check_broken(facts, "rendered", "enable the service shop");
}

TEST_CASE("a file that is excluded is the reason", "[why]") {
    auto facts = healthy();
    facts.defined.front().excluded = true;
    facts.written.front().second.excluded = true;
    check_broken(facts, "rendered", "exclude");
}

TEST_CASE("an entry that was written by hand is as good as a definition", "[why]") {
    auto facts = healthy();
    facts.defined.clear();
    CHECK(broken_step(facts).empty());
}

TEST_CASE("a key that does not hold the entry is the reason", "[why]") {
    auto facts = healthy();
    facts.written.clear();
    check_broken(facts, "rendered", "drift");
}

TEST_CASE("a configuration that was not applied yet is the reason", "[why]") {
    auto facts = healthy();
    facts.applied_revision = 19;
    check_broken(facts, "applied", "5 s");
}

TEST_CASE("a configuration that was refused as a whole is the reason", "[why]") {
    auto facts = healthy();
    facts.config_state = "failed";
    facts.failure = "/: no JSON";
    check_broken(facts, "applied", "roll the service back");
}

TEST_CASE("an entry that the agent refused is the reason, and another one's refusal is not",
          "[why]") {
    auto facts = healthy();
    facts.refusals = {{"/30/topic", "topic_not_allowed", "x"}};
    CHECK(broken_step(facts).empty());
    facts.refusals = {{"/3/topic", "topic_not_allowed", "'shop-access' is outside allow_topics"}};
    check_broken(facts, "allowed", "allow_topics");
}

TEST_CASE("a field that the agent refused is the reason", "[why]") {
    auto facts = healthy();
    facts.refusals = {{"/3/keep/0", "pattern", "missing )"}};
    check_broken(facts, "applied", "correct this field");
}

TEST_CASE("a path that the agent may not read is the reason", "[why]") {
    auto facts = healthy();
    facts.file_state = "denied";
    facts.file_error = "permission denied";
    check_broken(facts, "allowed", "allow_paths");
}

TEST_CASE("a file that another entry collects is the reason", "[why]") {
    auto facts = healthy();
    facts.file_state = "shadowed";
    facts.file_error = "/var/log/shop/a.log";
    check_broken(facts, "allowed", "two entries");
}

TEST_CASE("a file that is not there is the reason", "[why]") {
    auto facts = healthy();
    facts.figures.reset();
    facts.file_state = "waiting";
    check_broken(facts, "exists", "check the path");
    facts.file_state.clear();
    facts.listed = false;
    check_broken(facts, "exists", "check the path");
    facts.listed = true;
    CHECK(broken_step(facts).empty());
}

TEST_CASE("a file that cannot be read is the reason", "[why]") {
    auto facts = healthy();
    facts.file_state = "error";
    facts.file_error = "input/output error";
    check_broken(facts, "readable", "file system");
}

TEST_CASE("a topic that takes nothing is the reason, and another one is not", "[why]") {
    auto facts = healthy();
    facts.problems = {{"topic_parked", "other: unknown topic; its files wait"}};
    CHECK(broken_step(facts).empty());
    facts.problems = {{"topic_parked", "shop-access: unknown topic; its files wait"}};
    facts.figures->lines_per_s = 0;
    facts.figures->lag_bytes = 100;  // which is no reason by itself
    check_broken(facts, "topic", "make the topic");
    facts.problems = {{"kafka_down", "no broker answers"}};
    check_broken(facts, "topic", "kafka_addr");
}

TEST_CASE("a limit is the reason, with when the lag is sent", "[why]") {
    auto facts = healthy();
    facts.file_state = "throttled";
    facts.figures->throttled = 0.9;
    facts.figures->send_rate = 10;
    facts.figures->lag_bytes = 5000;
    facts.figures->offered_bytes_per_s = 500;
    check_broken(facts, "throttled", "through in 10 s");
    facts.figures->offered_bytes_per_s = 2000;
    check_broken(facts, "throttled", "only grows");
}

TEST_CASE("an offset that does not move is the reason, and a file that nobody writes is not",
          "[why]") {
    auto facts = healthy();
    facts.figures->lines_per_s = 0;
    facts.figures->lag_bytes = 100;
    check_broken(facts, "moving", "/status");
    facts.figures->lag_bytes = 0;
    CHECK(broken_step(facts).empty());
}

namespace {

/// The same, with a route that takes the topic somewhere.
why_facts delivered() {
    auto out = healthy();
    out.transfer_known = true;
    why_route route;
    route.name = "shop-search";
    route.sink = "search";
    route.state = "running";
    route.lag = 12;
    route.lag_s = 0.4;
    out.routes = {route};
    return out;
}

}  // namespace

TEST_CASE("a route that keeps up is no reason", "[why]") {
    const auto steps = trace(delivered());
    for (const auto& one : steps)
        CHECK(one.found == why_step::state::ok);
}

TEST_CASE("a topic that no route takes is the reason where there are routes", "[why]") {
    auto facts = delivered();
    facts.routes.clear();
    check_broken(facts, "transfer", "define a route");
    facts.transfer_known = false;
    CHECK(broken_step(facts).empty());
    CHECK(trace(facts)[8].code == "no_transfer");
}

TEST_CASE("a route that nobody runs, or that is refused, is the reason", "[why]") {
    auto facts = delivered();
    facts.routes[0].state = "idle";
    facts.routes[0].lag = std::nullopt;
    check_broken(facts, "transfer", "a sink named search");
    facts.routes[0].state = "refused";
    facts.routes[0].detail = "box: no such sink";
    check_broken(facts, "transfer", "correct the route");
    facts.routes[0].state = "failed";
    check_broken(facts, "transfer", "look at the log");
}

TEST_CASE("a route that is a minute behind is the reason", "[why]") {
    auto facts = delivered();
    facts.routes[0].lag = 500'000;
    facts.routes[0].lag_s = 900;
    check_broken(facts, "transfer", "slow");
    facts.routes[0].lag_s = std::nullopt;  // nothing goes
    facts.routes[0].oldest_s = 70;
    check_broken(facts, "transfer", "slow");
    facts.routes[0].oldest_s = 2;
    CHECK(broken_step(facts).empty());
}

TEST_CASE("a sink that takes nothing is the reason, and not the lag that it makes", "[why]") {
    auto facts = delivered();
    facts.routes[0].state = "stalled";
    facts.routes[0].detail = "box: connection refused";
    facts.routes[0].lag = 500'000;
    facts.routes[0].oldest_s = 900;
    check_broken(facts, "sink", "nothing is lost");
}

TEST_CASE("records that a sink refused are the reason, with where they lie", "[why]") {
    auto facts = delivered();
    facts.routes[0].rejected = 3;
    facts.routes[0].rejected_as = "mapper_parsing_exception";
    facts.routes[0].rejected_at = "2026-01-01T00:00:00Z";
    check_broken(facts, "sink", "--dead-letters shop-access");
}
