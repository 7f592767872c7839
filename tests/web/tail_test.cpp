#include <boost/json/parse.hpp>

#include "support/test.hpp"
#include "web/line_sampler.hpp"
#include "web/problem.hpp"
#include "web/tail_feed.hpp"
#include "web/tail_query.hpp"

namespace http = logagent::http;
namespace json = boost::json;
using namespace logagent::web;
using namespace std::chrono_literals;
using logagent::fleet::record_origin;

namespace {

http::request asking(std::string target) {
    http::request out;
    out.target = std::move(target);
    return out;
}

principal reader_of(std::string glob) {
    principal out;
    out.name = "somebody";
    out.allowed = role::tailer;
    out.services = {std::move(glob)};
    return out;
}

logagent::fleet::service definition(std::string name, std::string host, std::string path,
                                    std::string topic) {
    logagent::fleet::service out;
    out.name = name;
    out.hosts.list = {std::move(host)};
    logagent::fleet::service_file file;
    file.target.service = std::move(name);
    file.target.log_path = std::move(path);
    file.target.topic = std::move(topic);
    out.files = {file};
    return out;
}

std::string status_of(const std::string& host, const std::string& topics) {
    return R"({"host":")" + host + R"(","instance":"i","ips":["10.0.0.1"],"topics":)" + topics +
           "}";
}

record_origin origin(std::string host, std::string service, std::string path) {
    record_origin out;
    out.host = std::move(host);
    out.service = std::move(service);
    out.path = std::move(path);
    return out;
}

std::vector<std::pair<std::string, json::value>> events_of(const std::string& text) {
    std::vector<std::pair<std::string, json::value>> out;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto end = text.find("\n\n", at);
        const auto one = text.substr(at, end - at);
        const auto name = one.find("event: ");
        const auto data = one.find("data: ");
        out.emplace_back(one.substr(name + 7, one.find('\n', name) - name - 7),
                         json::parse(one.substr(data + 6)));
        at = end + 2;
    }
    return out;
}

struct scope_fixture {
    service_map services;
    host_registry hosts;

    scope_fixture() {
        services["shop"] = definition("shop", "web*", "/var/log/shop/*.log", "shop-access");
        services["pay"] = definition("pay", "web*", "/var/log/pay.log", "money");
    }
    tail_scope find(const std::string& query, const std::string& glob = "*") {
        return find_scope(read_tail_query(asking("/tail?" + query)), reader_of(glob), services,
                          hosts.all());
    }
};

}  // namespace

TEST_CASE("few lines are all shown, in their order", "[tail]") {
    line_sampler::clock::time_point now{};
    line_sampler lines{{100, 1000}, 1, now};
    for (int i = 0; i < 10; ++i) {
        const auto place = lines.next();
        REQUIRE(place);
        lines.put(*place, std::to_string(i));
    }
    const auto taken = lines.take(now + 200ms);
    REQUIRE(taken.size() == 10);
    CHECK(taken.front() == "0");
    CHECK(taken.back() == "9");
    CHECK(lines.empty());
    CHECK(lines.offered() == 10);
    CHECK(lines.shown() == 10);
}

TEST_CASE("of many lines a fair sample is shown, at the rate that is allowed", "[tail]") {
    line_sampler::clock::time_point now{};
    line_sampler lines{{1000, 1 << 20}, 7, now};
    std::uint64_t early = 0;
    std::uint64_t shown = 0;
    for (int frame = 0; frame < 50; ++frame) {
        for (int i = 0; i < 4000; ++i)
            if (const auto place = lines.next()) lines.put(*place, i < 2000 ? "early" : "later");
        now += 200ms;
        const auto taken = lines.take(now);
        shown += taken.size();
        for (const auto& one : taken)
            early += one == "early" ? 1 : 0;
    }
    // 10 s at 1000 a second, and the burst of the start.
    CHECK(shown >= 10'000);
    CHECK(shown <= 11'100);
    CHECK(early > shown * 45 / 100);
    CHECK(early < shown * 55 / 100);
    CHECK(lines.offered() == 200'000);
}

TEST_CASE("what waits for a client that takes nothing is bounded in lines and bytes", "[tail]") {
    line_sampler lines{{1000, 10'000}, 7, {}};
    for (int i = 0; i < 100'000; ++i)
        if (const auto place = lines.next()) lines.put(*place, std::string(100, 'x'));
    const auto taken = lines.take({});
    CHECK(taken.size() <= 101);
    CHECK(taken.size() >= 99);
}

TEST_CASE("a tail needs something to follow, and a pattern that is one", "[tail]") {
    CHECK_THROWS_AS(read_tail_query(asking("/tail?q=x")), refused);
    CHECK_THROWS_AS(read_tail_query(asking("/tail?service=a&re=(")), refused);
    CHECK_THROWS_AS(read_tail_query(asking("/tail?service=a&q=" + std::string(1001, 'x'))),
                    refused);
    CHECK(read_tail_query(asking("/tail?service=a&re=x.y")).pattern);
}

TEST_CASE_METHOD(scope_fixture, "only the partitions that agents have named are read", "[tail]") {
    hosts.put("web1",
              status_of("web1", R"([{"service":"shop","topic":"shop-access",)"
                                R"("partitions":[2,5]}])"),
              1);
    hosts.put("web2",
              status_of("web2", R"([{"service":"shop","topic":"shop-access",)"
                                R"("partitions":[5,7]}])"),
              1);
    const auto scope = find("service=shop");
    REQUIRE(scope.topics.size() == 1);
    CHECK(scope.topics.at("shop-access") == std::set<std::int32_t>{2, 5, 7});
    CHECK(scope.services == std::set<std::string, std::less<>>{"shop"});
    // One that has not said where it writes to may write anywhere.
    hosts.put("web3", status_of("web3", "[]"), 1);
    CHECK_FALSE(find("service=shop").topics.at("shop-access"));
    CHECK(find("service=shop&host=web2").topics.at("shop-access") == std::set<std::int32_t>{5, 7});
    hosts.remove("web3", 2);
    CHECK(find("service=shop").topics.at("shop-access"));
}

TEST_CASE_METHOD(scope_fixture, "a service that no host serves yet is looked for everywhere",
                 "[tail]") {
    CHECK_FALSE(find("service=shop").topics.at("shop-access"));
    CHECK(find("service=nobody").topics.empty());
}

TEST_CASE_METHOD(scope_fixture, "a path leads to the services that collect it", "[tail]") {
    CHECK(find("path=/var/log/pay.log").topics.contains("money"));
    CHECK_FALSE(find("path=/var/log/pay.log").topics.contains("shop-access"));
    CHECK(find("path=/var/log/shop/a.log").topics.contains("shop-access"));
    CHECK(find("path=/etc/passwd").topics.empty());
}

TEST_CASE_METHOD(scope_fixture, "a token sees only the services that it is for", "[tail]") {
    hosts.put("web1",
              status_of("web1", R"([{"service":"shop","topic":"shop-access",)"
                                R"("partitions":[2]},{"service":"pay","topic":"money",)"
                                R"("partitions":[1]}])"),
              1);
    const auto scope = find("host=web1", "shop*");
    CHECK(scope.topics.contains("shop-access"));
    CHECK_FALSE(scope.topics.contains("money"));
    const auto query = read_tail_query(asking("/tail?host=web1"));
    CHECK(fits(query, scope, reader_of("shop*"), origin("web1", "shop", "/a"), "x"));
    // Also where both share a topic.
    CHECK_FALSE(fits(query, scope, reader_of("shop*"), origin("web1", "pay", "/a"), "x"));
    CHECK(find("service=pay", "shop*").topics.empty());
}

TEST_CASE_METHOD(scope_fixture, "lines are chosen by host, path, text and pattern", "[tail]") {
    const auto shows = [&](const std::string& query, const record_origin& from,
                           std::string_view line) {
        return fits(read_tail_query(asking("/tail?service=shop&" + query)), find("service=shop"),
                    reader_of("*"), from, line);
    };
    const auto from = origin("web1", "shop", "/var/log/shop/a.log");
    CHECK(shows("", from, "x"));
    CHECK_FALSE(shows("", origin("web1", "other", "/var/log/shop/a.log"), "x"));
    CHECK(shows("host=web1", from, "x"));
    CHECK_FALSE(shows("host=web2", from, "x"));
    CHECK(shows("path=/var/log/shop/*.log", from, "x"));
    CHECK_FALSE(shows("path=/var/log/shop/b.log", from, "x"));
    CHECK(shows("q=needle", from, "a needle here"));
    CHECK_FALSE(shows("q=needle", from, "hay"));
    CHECK(shows("re=n%5Baeiou%5Dedle", from, "a needle here"));
    CHECK_FALSE(shows("re=%5Eneedle", from, "a needle here"));
    CHECK(shows("re=needle", from, std::string_view{"\0\xff needle", 9}));
}

TEST_CASE("a hostile line reaches the client as valid JSON, cut where it is long", "[tail]") {
    tail_feed::clock::time_point now{};
    const scope_fixture known;
    auto query = read_tail_query(asking("/tail?service=shop"));
    tail_feed feed{query, reader_of("*"), {}, now};
    feed.set_scope(find_scope(query, reader_of("*"), known.services, {}), now);
    const auto from = origin("web1", "shop", "/a");
    live_line line;
    line.topic = "shop-access";
    line.partition = 3;
    line.offset = 9;
    line.from = &from;
    std::string hostile{"</script>\0\x1b[31m\xe2\x80\xae\xff\"\\", 21};
    line.text = hostile;
    feed.offer(line);
    const std::string huge =
        std::string(8190, 'x') + "\xf0\x9f\x98\x80" + std::string(1 << 20, 'y');
    line.text = huge;
    feed.offer(line);
    line.from = nullptr;
    feed.offer(line);
    std::string out;
    feed.take(out, now);
    const auto events = events_of(out);
    REQUIRE(events.size() == 2);
    CHECK(events[0].first == "lines");
    const auto& lines = events[0].second.as_array();
    REQUIRE(lines.size() == 2);
    const auto& first = lines[0].as_object();
    CHECK(first.at("id").as_string() == "shop-access/3/9");
    CHECK(first.at("text").as_string() ==
          std::string{"</script>\0\x1b[31m\xe2\x80\xae\xef\xbf\xbd\"\\", 23});
    CHECK(first.at("cut").as_bool() == false);
    const auto& second = lines[1].as_object();
    CHECK(second.at("cut").as_bool() == true);
    CHECK(second.at("text").as_string() == std::string(8190, 'x'));
    CHECK(second.at("size").as_int64() == static_cast<std::int64_t>(huge.size()));
    CHECK(events[1].first == "status");
    CHECK(events[1].second.at("unattributed").as_int64() == 1);
}

TEST_CASE("a client is told a problem once, and when it is over", "[tail]") {
    tail_feed::clock::time_point now{};
    tail_feed feed{read_tail_query(asking("/tail?service=shop")), reader_of("*"), {}, now};
    std::string out;
    feed.take(out, now);  // the first status
    int woken = 0;
    feed.wake = [&] { ++woken; };
    CHECK_FALSE(feed.ready(now));
    feed.problem("no_topic", "the topic x does not exist");
    feed.problem("no_topic", "the topic x does not exist");
    CHECK(woken >= 1);
    CHECK(feed.ready(now));
    out.clear();
    feed.take(out, now);
    CHECK(out ==
          "event: problem\ndata: {\"code\":\"no_topic\",\"detail\":\"the topic x does not "
          "exist\"}\n\n");
    feed.problem("no_topic", "the topic x does not exist");
    CHECK_FALSE(feed.ready(now));
    feed.problem({}, {});
    out.clear();
    feed.take(out, now);
    CHECK(out == "event: problem\ndata: {}\n\n");
}

TEST_CASE("what was passed over is told with the lines, the rate each second", "[tail]") {
    tail_feed::clock::time_point now{};
    const scope_fixture known;
    auto query = read_tail_query(asking("/tail?service=shop"));
    tail_feed feed{query, reader_of("*"), {}, now};
    feed.set_scope(find_scope(query, reader_of("*"), known.services, {}), now);
    const auto from = origin("web1", "shop", "/a");
    live_line line;
    line.topic = "shop-access";
    line.from = &from;
    line.text = "x";
    for (int i = 0; i < 5000; ++i)
        feed.offer(line);
    std::string out;
    feed.take(out, now);
    const auto events = events_of(out);
    REQUIRE(events.size() == 3);
    CHECK(events[1].first == "dropped");
    CHECK(events[1].second.at("n").as_int64() == 4000);
    CHECK(events[2].second.at("dropped").as_int64() == 4000);
    CHECK(events[2].second.at("sampling").as_double() == 0.2);
    now += 1s;
    for (int i = 0; i < 500; ++i)
        feed.offer(line);
    out.clear();
    feed.take(out, now);
    CHECK(events_of(out).back().second.at("rate").as_double() == 500);
}
