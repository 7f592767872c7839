#include "web/host_failure.hpp"

#include <boost/json/parse.hpp>

#include "support/test.hpp"

namespace web = logagent::web;
namespace fleet = logagent::fleet;

namespace {

/// Two services on one host: an entry each, "shop" first.
fleet::rendering rendered() {
    fleet::rendering out;
    for (const auto* name : {"shop", "bank"}) {
        fleet::rendered_entry entry;
        entry.document = name;
        entry.target.topic = name;
        out.entries.push_back(entry);
    }
    fleet::rendered_host host;
    host.name = "h";
    host.entries = {0, 1};
    out.hosts.push_back(host);
    return out;
}

web::host_failure failure(const char* status, const char* service) {
    const auto wanted = rendered();
    web::host_record record;
    record.status = boost::json::parse(status).as_object();
    return web::failure_for(record, service, &wanted.hosts[0], wanted);
}

}  // namespace

TEST_CASE("what an agent refuses is told to the service whose entry it is", "[web]") {
    constexpr auto refused =
        R"({"errors":[{"pointer":"/1/log_path","code":"denied","detail":"no"}]})";
    CHECK_FALSE(failure(refused, "shop"));
    CHECK(failure(refused, "bank").text() == "/1/log_path: no");
    constexpr auto unreadable =
        R"({"not_tailing":[{"path":"/a","topic":"shop","state":"waiting"},
            {"path":"/b","topic":"shop","state":"error","last_error":"permission denied"}]})";
    CHECK(failure(unreadable, "shop").text() == "/b: permission denied");
    CHECK_FALSE(failure(unreadable, "bank"));
}

TEST_CASE("a document that is not applied fails every service, a warning none", "[web]") {
    constexpr auto broken =
        R"({"config":{"state":"failed","failed":{"revision":7,"error":{"code":"syntax","detail":"x"}}}})";
    CHECK(failure(broken, "shop").code == "syntax");
    CHECK(failure(broken, "bank").code == "syntax");
    CHECK(failure(R"({"config":{"failed":{"revision":7,"error":null}}})", "shop").code == "failed");
    CHECK_FALSE(
        failure(R"({"config":{"failed":null},"errors":[{"pointer":"/0","code":"unknown_field"}]})",
                "shop"));
    CHECK_FALSE(failure(R"({"errors":7,"not_tailing":{},"config":[]})", "shop"));
    // An entry that nobody can be named for concerns everybody.
    CHECK(failure(R"({"errors":[{"pointer":"/9","code":"limit","detail":"d"}]})", "shop"));
}

TEST_CASE("a host is what its status says while it is there", "[web]") {
    web::host_record record;
    CHECK(web::state_of(record) == "unknown");
    record.reported.emplace();
    CHECK(web::state_of(record) == "offline");
    record.online = true;
    CHECK(web::state_of(record) == "healthy");
    record.status["state"] = "degraded";
    CHECK(web::state_of(record) == "degraded");
}
