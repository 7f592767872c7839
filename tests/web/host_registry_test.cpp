#include "web/host_registry.hpp"

#include "support/test.hpp"

namespace web = logagent::web;

namespace {

std::string status(const std::string& host) {
    return R"({"host":")" + host + R"(","instance":"1","ips":["10.0.0.1"]})";
}

std::string document(const std::string& host) {
    return R"({"host":")" + host + R"(","ips":["10.0.0.1"],"labels":{"env":"prod"}})";
}

/// The labels that services select the host by.
std::size_t labels(const web::host_registry& of, const std::string& host) {
    const auto found = of.all().find(host);
    if (found == of.all().end()) return 0;
    const auto known = web::host_registry::host_of(found->second);
    return known ? known->labels.size() : 0;
}

}  // namespace

TEST_CASE("while a snapshot is read nothing of what was known is missing", "[web]") {
    web::host_registry hosts;
    hosts.put("a", status("a"), 1);
    hosts.put_document("a", document("a"), 7);
    hosts.put("b", status("b"), 1);
    hosts.put_document("b", document("b"), 8);
    REQUIRE(labels(hosts, "a") == 1);

    hosts.begin_snapshot();
    hosts.put("a", status("a"), 2);
    CHECK(labels(hosts, "a") == 1);
    CHECK(labels(hosts, "b") == 1);
    CHECK(hosts.all().at("b").online);
    hosts.put_document("a", document("a"), 9);
    const auto before = hosts.version();
    hosts.end_snapshot(3);

    CHECK(labels(hosts, "a") == 1);
    CHECK(hosts.all().at("a").known_revision == 9);
    CHECK(hosts.all().at("a").online);
    // Neither its agent nor its document was in the snapshot.
    CHECK(labels(hosts, "b") == 0);
    CHECK_FALSE(hosts.all().at("b").online);
    CHECK(hosts.version() > before);
}
