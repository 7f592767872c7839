#include "transfer/status_card.hpp"

#include <boost/json/parse.hpp>

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

const status_card::clock::time_point start{1h};

/// A process with one route of etcd that is well.
card_facts running() {
    card_facts out;
    out.instance = "box~00000001";
    out.host = "box";
    out.sinks = {{"search", "elasticsearch", false, false}, {"storm", "storm", true, false}};
    route_figures route;
    route.name = "shop";
    route.sink = "search";
    route.state = "running";
    route.assigned = true;
    route.accepted = 1000;
    for (int number = 0; number < 30; ++number) {
        route_figures::partition part;
        part.name = {"shop", number};
        part.committable = 100;
        part.final_to = 100;
        part.committed = 90;
        part.log_end = 100 + number;
        route.partitions.push_back(part);
    }
    out.now.routes = {route};
    out.origins["shop"] = {{"shop", "pay"}, true, 12};
    return out;
}

json::object read(const std::optional<std::string>& text) {
    REQUIRE(text);
    return json::parse(*text).as_object();
}

TEST_CASE("a process shows what runs, from which revision, and how far it is", "[transfer]") {
    status_card card;
    const auto shown = read(card.look(running(), start));
    CHECK(shown.at("instance").as_string() == "box~00000001");
    CHECK(shown.at("sinks").as_array().at(1).at("modes").as_array().size() == 1);
    const auto& route = shown.at("routes").as_array().at(0).as_object();
    CHECK(route.at("revision").to_number<int>() == 12);
    CHECK(route.at("source").as_string() == "etcd");
    CHECK(route.at("topics").as_array().size() == 2);
    CHECK(route.at("lag").to_number<int>() == 29 * 30 / 2);
    CHECK(route.at("partitions").to_number<int>() == 30);
    // The ones that are most behind.
    REQUIRE(route.at("parts").as_array().size() == status_card::most_parts);
    CHECK(route.at("parts").as_array().at(0).at("lag").to_number<int>() == 29);
}

TEST_CASE("a process that stands still writes once, and one that works every 5 s", "[transfer]") {
    status_card card;
    auto facts = running();
    CHECK(card.look(facts, start));
    for (auto after = 1s; after < 60s; after += 1s)
        CHECK_FALSE(card.look(facts, start + after));
    int written = 0;
    for (auto after = 60s; after < 120s; after += 1s) {
        facts.now.routes[0].accepted += 500;
        const auto text = card.look(facts, start + after);
        if (!text) continue;
        ++written;
        const auto rate = read(text).at("routes").as_array().at(0).at("rate").to_number<double>();
        if (written > 1) CHECK(rate == 500.0);
    }
    CHECK(written == 12);
    // And that it has come to rest.
    CHECK(card.look(facts, start + 125s));
    const auto rest = card.look(facts, start + 130s);
    CHECK(read(rest).at("routes").as_array().at(0).at("rate").to_number<double>() == 0.0);
}

TEST_CASE("another state, revision or refusal is shown at once", "[transfer]") {
    status_card card;
    auto facts = running();
    CHECK(card.look(facts, start));
    facts.now.routes[0].state = "stalled";
    facts.now.routes[0].text = "connection refused";
    CHECK(card.look(facts, start + 1s));
    facts.origins["shop"].revision = 13;
    CHECK(card.look(facts, start + 2s));
    facts.refused["bank"] = {"no such sink", 14};
    const auto shown = read(card.look(facts, start + 3s));
    CHECK(shown.at("refused").as_array().at(0).at("revision").to_number<int>() == 14);
    facts.now.routes[0].rejected["shop"] = {1, "mapper_parsing_exception", 1'700'000'000'000};
    CHECK(card.look(facts, start + 4s));
    CHECK_FALSE(card.look(facts, start + 4500ms));
}

TEST_CASE("a route that was started anew has no rate below nothing", "[transfer]") {
    status_card card;
    auto facts = running();
    CHECK(card.look(facts, start));
    facts.now.routes[0].accepted = 10;
    const auto shown = read(card.look(facts, start + 5s));
    CHECK(shown.at("routes").as_array().at(0).at("rate").to_number<double>() == 0.0);
}

TEST_CASE("what many routes show fits into a value of etcd", "[transfer]") {
    auto facts = running();
    const auto one = facts.now.routes[0];
    for (int number = 0; number < 2000; ++number) {
        facts.now.routes.push_back(one);
        facts.now.routes.back().name = "r" + std::to_string(number);
    }
    status_card card;
    const auto text = card.look(facts, start);
    REQUIRE(text);
    CHECK(text->size() <= status_card::most_bytes);
    const auto shown = read(text);
    CHECK(shown.at("routes_omitted").to_number<std::size_t>() +
              shown.at("routes").as_array().size() ==
          2001);
    CHECK(shown.at("routes").as_array().size() > 20);
}

TEST_CASE("a route is judged as the process that would run it does", "[transfer]") {
    const std::vector<sink_outline> search{{"search", "elasticsearch", false, false}};
    CHECK(route_problems("r", R"({"topics":["a"],"sink":"search"})", search).empty());
    const auto foreign =
        route_problems("r", R"({"topics":["a"],"sink":"search","root":"/logs"})", search);
    REQUIRE(foreign.size() == 1);
    CHECK(foreign[0].key == "root");
    // Two processes that call different sinks by one name: one that can run it is enough.
    const std::vector<sink_outline> two{search[0], {"search", "hdfs", false, false}};
    CHECK(route_problems("r", R"({"topics":["a"],"sink":"search","root":"/logs"})", two).empty());
    const std::vector<sink_outline> storm{{"storm", "storm", true, false}};
    CHECK_FALSE(
        route_problems("r", R"({"topics":["a"],"sink":"storm","mode":"kafka","topic":"b"})", storm)
            .empty());
    CHECK(route_problems("r", R"({"topics":["a"],"sink":"storm","function":"f"})", storm).empty());
}

TEST_CASE("a route for a sink that nobody knows yet is judged by every kind of sink",
          "[transfer]") {
    CHECK(route_problems("r", R"({"topics":["a"],"sink":"new","root":"/logs"})", {}).empty());
    CHECK(route_problems("r", R"({"topics":["a"],"sink":"new"})", {}).empty());
    const auto typo = route_problems("r", R"({"topics":["a"],"sink":"new","tpoics":"b"})", {});
    REQUIRE(typo.size() == 1);
    CHECK(typo[0].key == "tpoics");
    CHECK(route_problems("Bad Name", R"({"topics":["a"],"sink":"new"})", {}).size() == 1);
    CHECK(route_problems("r", R"({"topics":["a"]})", {}).front().key == "sink");
}

}  // namespace
}  // namespace logagent::transfer
