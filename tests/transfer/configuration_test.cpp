#include "logagent/transfer/configuration.hpp"

#include "support/test.hpp"
#include "transfer/etcd_routes.hpp"
#include "transfer/topic_choice.hpp"

namespace logagent::transfer {
namespace {

constexpr std::string_view good = R"(
kafka_addr = 127.0.0.1:9092
kafka.security.protocol = plaintext
[sink.out]
type = file
path = /tmp/out.log
[route.web]
topics = web, app
sink = out
from = 2026-11-30T16:20:00+01:00
)";

std::string with(std::string_view more) {
    return std::string{good} + std::string{more};
}

/// The complaints about one section, in one line.
std::string refusal_of(const loaded_settings& loaded, std::string_view section) {
    for (const auto& one : loaded.refused)
        if (one.name == section) {
            std::string all;
            for (const auto& problem : one.problems)
                all += problem.line() + "|";
            return all;
        }
    return {};
}

TEST_CASE("a file with a sink and a route is read", "[transfer]") {
    const auto loaded = load_settings(good, "t.ini");
    CHECK(loaded.problems.empty());
    CHECK(loaded.refused.empty());
    REQUIRE(loaded.settings.routes.size() == 1);
    const auto& route = loaded.settings.routes[0];
    CHECK(route.name == "web");
    CHECK(route.topics == std::vector<std::string>{"web", "app"});
    CHECK(route.from == start_point{start_point::kind::time, 1'796'052'000'000});
    CHECK(loaded.settings.sinks.at(0).path == "/tmp/out.log");
    CHECK(loaded.settings.kafka.contains("security.protocol"));
    CHECK(loaded.settings.group_prefix == "logagent");
}

TEST_CASE("a bad route or sink is refused alone, with its key and the reason", "[transfer]") {
    const auto loaded = load_settings(with(R"(
[route.nowhere]
topics = t
sink = missing
[route.odd]
topics = ~a(?i)b
sink = out
formt = raw
[route.foreign]
topics = t
sink = out
roll_age = 5
[route.half]
sink = out
[sink.bare]
type = file
[sink.strange]
type = hadoop
)"),
                                      "t.ini");
    CHECK(loaded.problems.empty());
    CHECK(loaded.settings.routes.size() == 1);
    CHECK(loaded.settings.sinks.size() == 1);
    CHECK(refusal_of(loaded, "route.nowhere").find("t.ini:12: sink: 'missing'") == 0);
    const auto odd = refusal_of(loaded, "route.odd");
    CHECK(odd.find("topics: '~a(?i)b'") != odd.npos);
    CHECK(odd.find("formt: there is no such key; did you mean format?") != odd.npos);
    const auto foreign = refusal_of(loaded, "route.foreign");
    CHECK(foreign.find("roll_age: has no meaning for a sink of type file") != foreign.npos);
    CHECK(refusal_of(loaded, "route.half").find("topics: is missing") != std::string::npos);
    CHECK(refusal_of(loaded, "sink.bare").find("path: is missing") != std::string::npos);
    CHECK(refusal_of(loaded, "sink.strange").find("type: 'hadoop': allowed") != std::string::npos);
}

TEST_CASE("an index or a time zone that cannot be is refused where it is written", "[transfer]") {
    const auto refused = [](const std::string& option) {
        const auto loaded = load_settings(
            "kafka_addr = a:1\n[sink.s]\ntype = elasticsearch\nurl = http://a:9200\n"
            "[route.r]\ntopics = t\nsink = s\n" +
                option + "\n",
            "t.ini");
        CHECK(loaded.settings.routes.size() == (loaded.refused.empty() ? 1 : 0));
        const auto text = refusal_of(loaded, "route.r");
        // The same route in etcd.
        const auto equals = option.find(" = ");
        const auto sinks = loaded.settings.sinks;
        const auto live =
            load_route("r",
                       "{\"topics\":\"t\",\"sink\":\"s\",\"" + option.substr(0, equals) + "\":\"" +
                           option.substr(equals + 3) + "\"}",
                       "/routes/r", sinks);
        CHECK(live.route.has_value() == text.empty());
        if (!text.empty()) CHECK(live.problems.at(0).key == option.substr(0, equals));
        return text;
    };
    CHECK(refused("index = Logs-{service}").starts_with("t.ini:8: index: 'Logs-{service}'"));
    CHECK(refused("index = logs-{what}").find("braces hold service") != std::string::npos);
    CHECK(refused("index = " + std::string(130, 'a')).find("longer than") != std::string::npos);
    CHECK(refused("index = {service}-{yyyy}").find("begins with braces") != std::string::npos);
    CHECK(refused("index = logs-{topic}-{yyyy.MM}").empty());
    for (const char* zone : {"CET", "+8:00", "+08:60", "+15:00", "08:00", ""})
        CHECK(refused(std::string{"timezone = "} + zone).find("t.ini:8: timezone: ") == 0);
    for (const char* zone : {"UTC", "+08:00", "-03:30"})
        CHECK(refused(std::string{"timezone = "} + zone).empty());
}

TEST_CASE("what is wrong with the general part is fatal", "[transfer]") {
    const auto lines = [](std::string_view text) {
        std::string all;
        for (const auto& one : load_settings(text, "t.ini").problems)
            all += one.line() + "|";
        return all;
    };
    CHECK(lines("").find("kafka_addr: is missing") != std::string::npos);
    CHECK(lines("kafka_addr = a:1\nin_flight_bytes = 5").find("out of range") != std::string::npos);
    CHECK(lines("kafka_addr = a:1\n[out]\n").find("[out]: there is no such section") !=
          std::string::npos);
    CHECK(lines("kafka_addr = a:1\netcd_user = u").find("etcd_password_file: is missing") !=
          std::string::npos);
    CHECK(lines("kafka_addr = a:1\n[sink.a b]\n").find("NAME of a-z") != std::string::npos);
}

TEST_CASE("overrides win, and may make a whole route", "[transfer]") {
    const std::vector<std::string> overrides{"route.web.from=latest", "kafka_addr=b:2",
                                             "sink.two.type=stdout", "route.my.own.topics=t",
                                             "route.my.own.sink=two"};
    const auto loaded = load_settings(good, "t.ini", overrides);
    CHECK(loaded.problems.empty());
    CHECK(loaded.refused.empty());
    REQUIRE(loaded.settings.routes.size() == 2);
    CHECK(loaded.settings.routes[0].from.at == start_point::kind::latest);
    CHECK(loaded.settings.routes[1].name == "my.own");
    CHECK(loaded.settings.kafka_addr == std::vector<std::string>{"b:2"});
}

TEST_CASE("a time has to say its zone", "[transfer]") {
    CHECK(parse_rfc3339("1970-01-01T00:00:01Z") == 1000);
    CHECK(parse_rfc3339("1970-01-01T01:00:01.500+01:00") == 1500);
    for (const auto* text : {"2h ago", "now", "1970-01-01", "1970-01-01T00:00:01", "17"})
        CHECK_FALSE(parse_rfc3339(text).has_value());
}

TEST_CASE("an expression is taken only where both sides read it alike", "[transfer]") {
    for (const auto* text : {"~web", "~(a|b)[0-9]+", "~a{2}.*", "~x\\.y", "~[a.-]*"}) {
        INFO(text);
        CHECK(read_topics(text).has_value());
    }
    for (const auto* text :
         {"~", "~(", "~\\d", "~(?:a)", "~a*?", "~a,b", "~[[:alpha:]]", "a b", ""}) {
        INFO(text);
        CHECK_FALSE(read_topics(text).has_value());
    }
    CHECK(subscription({}, "a|b") == std::vector<std::string>{"^(a|b)$"});
}

/// Notes what the routes in etcd would do.
struct followed {
    std::vector<std::string> done;
    etcd_routes routes{
        "/p/",
        load_settings(good, "t.ini").settings.sinks,
        {"web"},
        {[this](route_settings to) { done.push_back("set " + to.name); },
         [this](const std::string& name) { done.push_back("remove " + name); }, [] {}}};

    static etcd::key_value entry(const std::string& name, const std::string& value) {
        etcd::key_value out;
        out.key = "/p/" + name;
        out.value = value;
        return out;
    }
    void put(const std::string& name, const std::string& value) {
        routes.changed({etcd::event::kind::put, entry(name, value)});
    }
    std::vector<std::string> take() { return std::exchange(done, {}); }
};

TEST_CASE("routes in etcd are added, changed and removed one by one", "[transfer]") {
    followed etcd;
    const auto value = R"({"topics":["a","b"],"sink":"out","dedupe_records":5})";
    etcd.put("one", value);
    CHECK(etcd.take() == std::vector<std::string>{"set one"});
    etcd.put("one", value);  // nothing that matters
    CHECK(etcd.take().empty());
    etcd.put("one", R"({"topics":"a","sink":"out"})");
    CHECK(etcd.take() == std::vector<std::string>{"set one"});
    etcd.routes.changed({etcd::event::kind::removed, followed::entry("one", "")});
    CHECK(etcd.take() == std::vector<std::string>{"remove one"});
    CHECK(etcd.routes.complaints().empty());
}

TEST_CASE("a value in etcd that cannot be used changes nothing that runs", "[transfer]") {
    followed etcd;
    etcd.put("one", R"({"topics":"a","sink":"out"})");
    etcd.take();
    for (const auto* bad :
         {"", "[]", "{\"topics\":\"a\"}", R"({"topics":"a","sink":"other"})",
          R"({"topics":"a","sink":"out","url":"http://x:1"})", R"({"topics":{},"sink":"out"})"}) {
        INFO(bad);
        etcd.put("one", bad);
        CHECK(etcd.take().empty());
        CHECK(etcd.routes.complaints().size() == 1);
    }
    etcd.put("web", R"({"topics":"a","sink":"out"})");  // the file has one of that name
    CHECK(etcd.take().empty());
    CHECK(etcd.routes.running().size() == 1);
}

TEST_CASE("a route that is missing in a list goes on; only a deletion stops it", "[transfer]") {
    followed etcd;
    etcd.put("one", R"({"topics":"a","sink":"out"})");
    etcd.take();
    etcd.routes.snapshot({});
    CHECK(etcd.take().empty());
    REQUIRE(etcd.routes.complaints().size() == 1);
    CHECK(etcd.routes.complaints()[0].find("/p/one is not in etcd any more") == 0);
    etcd.routes.changed({etcd::event::kind::removed, followed::entry("one", "")});
    CHECK(etcd.take() == std::vector<std::string>{"remove one"});
}

TEST_CASE("routes are kept for a start without etcd", "[transfer]") {
    followed before;
    before.put("one", R"({"topics":"a","sink":"out"})");
    const auto saved = read_routes_text(routes_text(before.routes.running()));
    CHECK(saved == before.routes.running());
    followed after;
    after.routes.restore(saved);
    CHECK(after.take() == std::vector<std::string>{"set one"});
    CHECK(read_routes_text("{\"v\":1").empty());
}

}  // namespace
}  // namespace logagent::transfer
