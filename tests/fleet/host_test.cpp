#include "logagent/fleet/host.hpp"

#include <boost/json/serialize.hpp>

#include "logagent/base/json.hpp"
#include "support/test.hpp"

using namespace logagent;
using namespace logagent::fleet;

namespace {

parsed_host read(std::string_view json, const host* stored = nullptr) {
    return read_host(base::parse_json(json).value(), stored);
}

std::string verdict(std::string_view json) {
    const auto out = read(json);
    if (out.errors.empty()) return "accepted";
    return out.errors[0].code + " " + out.errors[0].pointer;
}

}  // namespace

TEST_CASE("a host is read and written", "[host]") {
    const auto out = read(R"({"host":"web01","ips":["fd00::1","10.0.0.2","10.0.0.2"],
                              "labels":{"env":"prod"},"source":"cmdb-x"})");
    REQUIRE(out.errors.empty());
    CHECK(boost::json::serialize(to_json(out.value)) ==
          R"({"host":"web01","ips":["10.0.0.2","fd00::1"],"primary_ip":"10.0.0.2",)"
          R"("labels":{"env":"prod"},"source":"cmdb-x"})");
}

TEST_CASE("what is wrong with a host is named with its place", "[host]") {
    CHECK(verdict(R"({})") == "name /host");
    CHECK(verdict(R"({"host":"a b"})") == "name /host");
    CHECK(verdict(R"({"host":5})") == "type /host");
    CHECK(verdict(R"({"host":"a","ips":["10.0.0.1","x"]})") == "address /ips/1");
    CHECK(verdict(R"({"host":"a","ips":["10.0.0.1"],"primary_ip":"10.0.0.2"})") ==
          "address /primary_ip");
    CHECK(verdict(R"({"host":"a","labels":{"host":"b"}})") == "label /labels/host");
    CHECK(verdict(R"({"host":"a","labels":{"x=y":"b"}})") == "label /labels/x=y");
    CHECK(verdict(R"({"host":"a","labels":{"x":1}})") == "type /labels/x");
    CHECK(verdict(R"({"host":"a","source":"a/b"})") == "name /source");
    CHECK(verdict(R"({"host":"a","rack":7})") == "unknown_field /rack");
    CHECK(verdict(R"([])") == "type ");
}

TEST_CASE("fields of another version survive a write of a host", "[host]") {
    const auto stored = parse_stored_host(R"({"host":"a","rack":7})");
    REQUIRE(stored.errors.empty());
    CHECK(read(R"({"host":"a"})", &stored.value).value.extra.at("rack") == 7);
    CHECK(read(R"({"host":"a","rack":7})", &stored.value).errors.empty());
    CHECK(read(R"({"host":"a","rack":8})", &stored.value).errors.size() == 1);
}

TEST_CASE("a host is learned from the status of its agent", "[host]") {
    const auto reported = parse_status(
        R"({"host":"web01","instance":"i1","version":"0.1.0","ips":["10.0.0.9","10.0.0.2","?"],
            "started":"2026-01-01T00:00:00Z","state":"healthy","config":{"source":"etcd",
            "state":"applied","applied":{"revision":7,"hash":"00ff","at":"x"},"failed":null},
            "problems":[],"files":{"tailing":3}})");
    REQUIRE(reported.has_value());
    CHECK(reported->ips == std::vector<std::string>{"10.0.0.2", "10.0.0.9"});
    CHECK(reported->applied_hash == "00ff");
    CHECK(reported->applied_revision == 7);
    const auto out = learn(std::nullopt, *reported);
    CHECK(out.name == "web01");
    CHECK(out.primary_ip == "10.0.0.2");
    CHECK(out.source == "agent");

    CHECK_FALSE(parse_status(R"({"ips":[]})").has_value());
    CHECK_FALSE(parse_status(R"({"host":"../x"})").has_value());
    CHECK_FALSE(parse_status("[]").has_value());
    CHECK(parse_status(R"({"host":"a","config":{"applied":null}})")->applied_hash.empty());
}

TEST_CASE("the primary address stays while the agent reports it", "[host]") {
    reported_host reported;
    reported.name = "a";
    reported.ips = {"10.0.0.5"};
    auto known = learn(std::nullopt, reported);
    known.labels["env"] = "prod";
    reported.ips = {"10.0.0.1", "10.0.0.5"};
    known = learn(known, reported);
    CHECK(known.primary_ip == "10.0.0.5");
    reported.ips = {"10.0.0.1", "10.0.0.7"};
    known = learn(known, reported);
    CHECK(known.primary_ip == "10.0.0.1");
    CHECK(known.labels.at("env") == "prod");
    reported.ips = {};
    CHECK(learn(known, reported).primary_ip == "10.0.0.1");
}
