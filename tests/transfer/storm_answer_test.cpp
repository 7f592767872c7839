#include "transfer/storm_answer.hpp"

#include "support/test.hpp"
#include "transfer/storm_servers.hpp"

namespace logagent::transfer {
namespace {

using namespace std::chrono_literals;

storm_answer said(unsigned status, std::string body, std::size_t records = 3) {
    http::response answer;
    answer.status = status;
    answer.body = std::move(body);
    return read_storm_answer(answer, records);
}

TEST_CASE("nothing, OK and the right number acknowledge a batch", "[transfer][storm]") {
    for (const auto* body : {"", "OK", " OK\r\n", "{\"acked\":3}", "{\"acked\": 3, \"ms\": 5}\n"}) {
        INFO(body);
        CHECK(said(200, body).verdict == storm_verdict::accepted);
    }
}

TEST_CASE("any other result of a topology does not", "[transfer][storm]") {
    for (const auto* body : {"ok", "null", "{\"acked\":2}", "{\"acked\":\"3\"}", "{}", "[3]",
                             "{\"acked\":3", "<html>OK</html>"}) {
        INFO(body);
        CHECK(said(200, body).verdict == storm_verdict::failed);
        CHECK(said(200, body).code == "not_acknowledged");
    }
    CHECK(said(200, "{\"acked\":2}").text ==
          "the topology answered \"{\"acked\":2}\" instead of nothing, OK or {\"acked\":3}");
}

TEST_CASE("errors of Storm 2 are read", "[transfer][storm]") {
    const auto failed = said(400, R"({"error":"FAILED_REQUEST","errorMessage":"Request failed"})");
    CHECK(failed.verdict == storm_verdict::failed);
    CHECK(failed.code == "failed_request");
    CHECK(failed.text == "HTTP 400 FAILED_REQUEST: Request failed");
    CHECK(said(504, R"({"error":"SERVER_TIMEOUT"})").verdict == storm_verdict::unclear);
    CHECK(said(503, R"({"error":"SERVER_SHUTDOWN"})").verdict == storm_verdict::passing);
    CHECK(said(500, R"({"error":"INTERNAL_ERROR"})").verdict == storm_verdict::unclear);
    CHECK(said(401, "{}").verdict == storm_verdict::unauthorized);
    CHECK(said(404, "<html>").code == "not_drpc");
    CHECK(said(502, "").verdict == storm_verdict::passing);
}

TEST_CASE("the page that Storm 1 gives for everything says nothing", "[transfer][storm]") {
    const auto page = said(500, "<html><h2>HTTP ERROR: 500</h2><p>Server Error</p></html>");
    CHECK(page.verdict == storm_verdict::unclear);
    CHECK(page.text == "HTTP 500");
}

TEST_CASE("no answer in time is another thing than no server", "[transfer][storm]") {
    const auto failure = [](http::error::cause why) {
        return read_storm_failure(http::error{why, "what happened"});
    };
    CHECK(failure(http::error::cause::timeout).verdict == storm_verdict::unclear);
    CHECK(failure(http::error::cause::closed).verdict == storm_verdict::passing);
    CHECK(failure(http::error::cause::connect).code == "connection");
}

constexpr storm_servers::clock::time_point now{1000s};

TEST_CASE("servers take turns", "[transfer][storm]") {
    storm_servers servers{3};
    std::vector<std::size_t> order;
    for (int i = 0; i < 6; ++i)
        order.push_back(*servers.take(now));
    CHECK(order == std::vector<std::size_t>{0, 1, 2, 0, 1, 2});
}

TEST_CASE("a server has 16 requests at most", "[transfer][storm]") {
    storm_servers servers{2};
    for (int i = 0; i < 32; ++i)
        CHECK(servers.take(now).has_value());
    CHECK_FALSE(servers.take(now).has_value());
    CHECK(servers.next_free(now) == storm_servers::clock::time_point::max());
    servers.worked(1);
    CHECK(servers.take(now) == 1);
}

TEST_CASE("a server that fails is left out, longer each time", "[transfer][storm]") {
    storm_servers servers{2};
    CHECK(servers.take(now) == 0);
    servers.failed(0, now);
    CHECK(servers.take(now) == 1);
    CHECK(servers.take(now) == 1);
    CHECK(servers.take(now + 500ms) == 0);  // one request proves it
    CHECK(servers.take(now + 500ms) == 1);
    CHECK(servers.take(now + 500ms) == 1);
    servers.failed(0, now + 500ms);
    CHECK(servers.take(now + 1499ms) == 1);
    CHECK(servers.take(now + 1500ms) == 0);
    servers.worked(0);
    CHECK(servers.take(now + 1500ms) == 1);
    CHECK(servers.take(now + 1500ms) == 0);
    CHECK(servers.take(now + 1500ms) == 1);
    CHECK(servers.take(now + 1500ms) == 0);
}

TEST_CASE("requests that fail together are one failure, and no wait is over 30 s",
          "[transfer][storm]") {
    storm_servers servers{1};
    for (int i = 0; i < 4; ++i)
        servers.take(now);
    for (int i = 0; i < 4; ++i)
        servers.failed(0, now);
    CHECK(servers.next_free(now) == now + 500ms);
    auto at = now;
    for (int i = 0; i < 20; ++i) {
        at = servers.next_free(at) == storm_servers::clock::time_point::max()
                 ? at
                 : servers.next_free(at);
        REQUIRE(servers.take(at).has_value());
        servers.failed(0, at);
        CHECK(servers.next_free(at) <= at + 30s);
    }
    CHECK(servers.next_free(at) == at + 30s);
}

}  // namespace
}  // namespace logagent::transfer
