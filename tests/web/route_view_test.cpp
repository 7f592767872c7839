#include "web/route_view.hpp"

#include "support/test.hpp"

using namespace logagent::web;

namespace {

/// A process that runs the route "shop" of etcd, revision 10.
transfer_process process_on(const std::string& host) {
    transfer_process out;
    out.instance = host + "~1";
    out.host = host;
    out.sinks = {{"search", "elasticsearch", {}}};
    shown_route route;
    route.name = "shop";
    route.in_etcd = true;
    route.revision = 10;
    route.topics = {"shop"};
    route.sink = "search";
    route.group = "logagent.shop";
    route.state = "running";
    route.lag = 100;
    route.rate = 10;
    route.partitions = 3;
    out.routes["shop"] = route;
    return out;
}

stored_route definition(std::int64_t revision) {
    stored_route out;
    out.revision = revision;
    out.document["topics"] = boost::json::array{"shop"};
    out.document["sink"] = "search";
    return out;
}

transfer_fleet fleet_of(std::vector<transfer_process> all) {
    transfer_fleet out;
    for (auto& one : all)
        out[one.instance] = one;
    return out;
}

}  // namespace

TEST_CASE("lag and rate of a route are those of all who run it", "[routes]") {
    const auto stored = definition(10);
    const auto fleet = fleet_of({process_on("a"), process_on("b")});
    const auto shown = picture_of("shop", &stored, fleet);
    CHECK(shown.state == "running");
    CHECK(shown.lag == 200);
    CHECK(shown.rate == 20);
    CHECK(shown.lag_s() == 10.0);
    CHECK(route_row(shown).at("partitions").to_number<int>() == 6);
}

TEST_CASE("a lag that somebody does not know is not known", "[routes]") {
    const auto stored = definition(10);
    auto fleet = fleet_of({process_on("a"), process_on("b")});
    fleet["b~1"].routes["shop"].lag = std::nullopt;
    CHECK_FALSE(picture_of("shop", &stored, fleet).lag);
    CHECK(route_row(picture_of("shop", &stored, fleet)).at("lag").is_null());
}

TEST_CASE("a definition that was written just now waits for those who run the older one",
          "[routes]") {
    const auto stored = definition(11);
    const auto fleet = fleet_of({process_on("a")});
    CHECK(picture_of("shop", &stored, fleet).state == "waiting");
}

TEST_CASE("who runs the older definition since the new one is refused says why", "[routes]") {
    const auto stored = definition(11);
    auto fleet = fleet_of({process_on("a"), process_on("b")});
    fleet["a~1"].refused["shop"] = {11, "index = x: not allowed"};
    fleet["b~1"].routes["shop"].revision = 11;
    const auto shown = picture_of("shop", &stored, fleet);
    CHECK(shown.state == "refused");
    CHECK(shown.detail == "a: index = x: not allowed");
    // What was refused of an older definition is past.
    fleet["a~1"].refused["shop"].revision = 9;
    CHECK(picture_of("shop", &stored, fleet).state == "waiting");
}

TEST_CASE("a process without the sink is no trouble while another one runs the route", "[routes]") {
    const auto stored = definition(10);
    auto other = process_on("b");
    other.routes.clear();
    other.refused["shop"] = {10, "'search' is not the name of a usable [sink.NAME] of this file"};
    const auto both = fleet_of({process_on("a"), other});
    CHECK(picture_of("shop", &stored, both).state == "running");
    CHECK(route_document(picture_of("shop", &stored, both)).at("refused_by").as_array().size() ==
          1);
    const auto alone = fleet_of({other});
    CHECK(picture_of("shop", &stored, alone).state == "refused");
}

TEST_CASE("a route is as bad as the worst process of it", "[routes]") {
    const auto stored = definition(10);
    auto fleet = fleet_of({process_on("a"), process_on("b")});
    fleet["b~1"].routes["shop"].state = "stalled";
    fleet["b~1"].routes["shop"].text = "connection refused";
    const auto shown = picture_of("shop", &stored, fleet);
    CHECK(shown.state == "stalled");
    CHECK(shown.detail == "b: connection refused");
}

TEST_CASE("routes of files, of nobody and of yesterday are told apart", "[routes]") {
    stored_routes stored;
    stored["shop"] = definition(10);
    CHECK(pictures_of(stored, {}).at(0).state == "idle");
    auto of_file = process_on("a");
    of_file.routes["shop"].in_etcd = false;
    const auto local = fleet_of({of_file});
    CHECK(pictures_of({}, local).at(0).state == "running");
    CHECK(pictures_of({}, local).at(0).stored == nullptr);
    CHECK(pictures_of({}, fleet_of({process_on("a")})).at(0).state == "removing");
    // In etcd, and a process has not said anything about it yet.
    auto empty = process_on("a");
    empty.routes.clear();
    const auto unheard = fleet_of({empty});
    CHECK(pictures_of(stored, unheard).at(0).state == "waiting");
}

TEST_CASE("what a process shows is read, and what is missing in it has its default", "[routes]") {
    const auto read = read_process(
        "box~1",
        R"({"v":1,"host":"box","sinks":[{"name":"s","type":"storm","modes":["drpc"]}],)"
        R"("refused":[{"name":"bad","revision":7,"text":"no"}],)"
        R"("routes":[{"name":"r","source":"etcd","revision":5,"topics":["~shop-.*"],"lag":12,)"
        R"("rejected":[{"topic":"shop-a","count":3,"reason":"x","at":"2026-01-01T00:00:00Z"}]}]})");
    REQUIRE(read);
    CHECK(read->host == "box");
    CHECK(read->sinks.at(0).modes.at(0) == "drpc");
    CHECK(read->refused.at("bad").revision == 7);
    const auto& route = read->routes.at("r");
    CHECK(route.in_etcd);
    CHECK(route.lag == 12);
    CHECK(route.rejected.at(0).count == 3);
    CHECK(route.rate == 0);
    CHECK_FALSE(read_process("x", "[]"));
    CHECK_FALSE(read_process("x", "{"));
}

TEST_CASE("an expression takes whole names, and never what is hidden", "[routes]") {
    CHECK(takes_topic({"a", "b"}, "b"));
    CHECK_FALSE(takes_topic({"a"}, "ab"));
    CHECK(takes_topic({"~shop-.*"}, "shop-eu"));
    CHECK_FALSE(takes_topic({"~shop-.*"}, "my-shop-eu"));
    CHECK_FALSE(takes_topic({"~.*"}, "shop.dead"));
    CHECK_FALSE(takes_topic({"~.*"}, "_logagent.stats"));
    CHECK_FALSE(takes_topic({"~("}, "a"));
}
