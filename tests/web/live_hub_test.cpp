#include "web/live_hub.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>

#include "support/run.hpp"
#include "support/test.hpp"
#include "web/change_feed.hpp"
#include "web/live_stream.hpp"
#include "web/problem.hpp"

namespace json = boost::json;
namespace test = logagent::test;
using namespace logagent::web;
using namespace std::chrono_literals;

namespace {

live_change host_change(std::int64_t revision, std::string host) {
    live_change out;
    out.revision = revision;
    out.name = std::move(host);
    return out;
}

live_change service_change(std::int64_t revision, std::string service) {
    live_change out;
    out.revision = revision;
    out.topic = {live_topic::kind::service, std::move(service)};
    return out;
}

std::optional<json::object> show(const std::string& host) {
    if (host == "gone") return std::nullopt;
    json::object out;
    out["host"] = host;
    return out;
}

std::string taken(change_feed& feed) {
    std::string out;
    if (feed.ready({})) feed.take(out, {});
    return out;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("topics are read, each once, and what is none is refused", "[live]") {
    const auto topics = parse_topics("hosts,service:shop,rollout:42,hosts");
    REQUIRE(topics.size() == 3);
    CHECK(to_text(topics[0]) == "hosts");
    CHECK(to_text(topics[1]) == "service:shop");
    CHECK(to_text(topics[2]) == "rollout:42");
    for (const auto* bad : {"", "host", "service:", "hosts,x:y"})
        CHECK_THROWS_AS(parse_topics(bad), refused);
    std::string many;
    for (int i = 0; i < 21; ++i)
        many += "service:s" + std::to_string(i) + ",";
    CHECK_THROWS_AS(parse_topics(many), refused);
}

TEST_CASE("a client gets the newest state of what has changed, once", "[live]") {
    live_hub hub;
    hub.restart(10);
    change_feed feed{hub, parse_topics("hosts,service:shop"), std::nullopt, show};
    const auto hello = taken(feed);
    CHECK(hello ==
          "id: 10\nevent: hello\ndata: "
          "{\"topics\":[\"hosts\",\"service:shop\"],\"revision\":10}\n\n");
    CHECK(taken(feed).empty());
    hub.changed(host_change(11, "web1"));
    hub.changed(host_change(12, "web1"));
    hub.changed(host_change(13, "gone"));
    hub.changed(service_change(14, "other"));
    CHECK(taken(feed) ==
          "id: 14\nevent: hosts\ndata: {\"items\":[{\"host\":\"web1\"}],\"gone\":[\"gone\"]}\n\n");
    hub.changed(service_change(15, "shop"));
    CHECK(contains(taken(feed), "id: 15\nevent: service\n"));
    CHECK(taken(feed).empty());
}

TEST_CASE("a client that was away gets what it has missed, or is told to read again", "[live]") {
    live_hub hub;
    hub.restart(1000);
    for (int i = 1; i <= 200; ++i)
        hub.changed(host_change(1000 + i, "web" + std::to_string(i)));
    change_feed near{hub, parse_topics("hosts"), 1190, show};
    const auto missed = taken(near);
    CHECK(contains(missed, "\"web191\""));
    CHECK(contains(missed, "\"web200\""));
    CHECK_FALSE(contains(missed, "\"web100\""));
    CHECK_FALSE(contains(missed, "event: reset"));
    change_feed far{hub, parse_topics("hosts"), 999, show};
    CHECK(contains(taken(far), "event: reset\n"));
    // etcd was read anew: changes may be missing.
    hub.restart(2000);
    CHECK(contains(taken(near), "id: 2000\nevent: reset\n"));
}

TEST_CASE("a change of another range that comes late is told after a reconnection", "[live]") {
    live_hub hub;
    hub.restart(1000);
    hub.changed(host_change(1100, "early"));
    hub.changed(host_change(1099, "late"));
    change_feed feed{hub, parse_topics("hosts"), 1100, show};
    CHECK(contains(taken(feed), "\"late\""));
}

TEST_CASE("changes that are too many for a client are dropped, and it says so", "[live]") {
    live_hub hub;
    hub.restart(1);
    change_feed feed{hub, parse_topics("hosts"), std::nullopt, show};
    taken(feed);
    for (std::size_t i = 0; i <= change_feed::most_hosts; ++i)
        hub.changed(host_change(2, "web" + std::to_string(i)));
    const auto said = taken(feed);
    CHECK(contains(said, "event: dropped\ndata: {\"topic\":\"hosts\",\"n\":2001}"));
    CHECK(contains(said, "event: reset\n"));
    CHECK(taken(feed).empty());
}

TEST_CASE("many changes go out in several events, and only the last has an id", "[live]") {
    live_hub hub;
    hub.restart(1);
    change_feed feed{hub, parse_topics("hosts"), std::nullopt, show};
    taken(feed);
    for (std::size_t i = 0; i <= change_feed::most_hosts_at_once; ++i)
        hub.changed(host_change(2, "web" + std::to_string(i)));
    CHECK_FALSE(contains(taken(feed), "id: "));
    CHECK(contains(taken(feed), "id: 2\n"));
}

TEST_CASE("the log of changes is bounded, and knows what it has forgotten", "[live]") {
    change_log log;
    log.restart(1);
    for (std::size_t i = 0; i < change_log::most + 10; ++i)
        log.add(host_change(static_cast<std::int64_t>(100 + i), "h"));
    std::size_t told = 0;
    const auto count = [&](const live_change&) { ++told; };
    CHECK_FALSE(log.since(100, count));
    CHECK(log.since(100 + change_log::most, count));
    CHECK(told > 0);
    CHECK(told < 200);
}

TEST_CASE("streams are counted by token and in all", "[live]") {
    live_hub hub;
    std::vector<std::unique_ptr<live_hub::place>> places;
    for (std::size_t i = 0; i < live_hub::most_streams_of_token; ++i)
        places.push_back(std::make_unique<live_hub::place>(hub, "a"));
    CHECK_THROWS_AS(live_hub::place(hub, "a"), refused);
    places.pop_back();
    CHECK_NOTHROW(live_hub::place(hub, "a"));
    CHECK(hub.streams() == live_hub::most_streams_of_token - 1);
    for (int token = 0; hub.streams() < live_hub::most_streams; ++token)
        places.push_back(std::make_unique<live_hub::place>(hub, std::to_string(token % 100)));
    CHECK_THROWS_AS(live_hub::place(hub, "b"), refused);
    places.clear();
    CHECK(hub.streams() == 0);
}

TEST_CASE("a stream gives what its feeds have, and ends when it is not allowed any more",
          "[live]") {
    boost::asio::io_context loop;
    live_hub hub;
    hub.restart(1);
    bool allowed = true;
    live_stream stream{loop.get_executor(), std::make_unique<live_hub::place>(hub, "a"),
                       [&] { return allowed; }};
    stream.add(std::make_unique<change_feed>(hub, parse_topics("hosts"), std::nullopt, show));
    const auto next = [&] { return test::run(loop, stream.next(live_stream::clock::now() + 10s)); };
    CHECK(contains(next(), "event: hello"));
    hub.changed(host_change(2, "a"));
    CHECK(contains(next(), "event: hosts"));
    CHECK(test::run(loop, stream.next(live_stream::clock::now() + 1ms)).empty());
    CHECK_FALSE(stream.ended());
    allowed = false;
    CHECK(contains(next(), "event: end"));
    CHECK(stream.ended());
}
