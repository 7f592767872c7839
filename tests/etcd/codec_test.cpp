#include "etcd/codec.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "support/test.hpp"

namespace etcd = logagent::etcd;
namespace json = boost::json;
using cause = etcd::error::cause;

namespace {

json::object object(const char* text) {
    return json::parse(text).as_object();
}

}  // namespace

TEST_CASE("the end of a prefix is the first key that does not begin with it", "[etcd]") {
    CHECK(etcd::end_of_prefix("/logagent/") == "/logagent0");
    CHECK(etcd::end_of_prefix("a\xff\xff") == "b");
    CHECK(etcd::end_of_prefix("\xff") == std::string(1, '\0'));
    CHECK(etcd::end_of_prefix("") == std::string(1, '\0'));
}

TEST_CASE("requests are written as the gateway reads them", "[etcd]") {
    etcd::range_options options;
    options.revision = 7;
    options.limit = 2;
    CHECK(json::serialize(etcd::range_body({"a", true}, options)) ==
          R"({"key":"YQ==","range_end":"Yg==","revision":"7","limit":"2"})");
    CHECK(json::serialize(etcd::range_body({"", true}, {})) ==
          R"({"key":"AA==","range_end":"AA=="})");
    etcd::range_options backwards;
    backwards.limit = 2;
    backwards.descending = true;
    const etcd::key_range between{"a", true, "ab", "ad"};
    CHECK(json::serialize(etcd::range_body(between, backwards)) ==
          R"({"key":"YWIA","range_end":"YWQ=","limit":"2","sort_order":"DESCEND",)"
          R"("sort_target":"KEY"})");
    CHECK(json::serialize(etcd::put_body("a", "", 0)) == R"({"key":"YQ==","value":""})");
    etcd::txn_request txn;
    txn.conditions.push_back(
        {"a", etcd::compare::target::lease, etcd::compare::relation::equal, 5, ""});
    etcd::operation removal;
    removal.what = etcd::operation::kind::remove;
    removal.keys.key = "a";
    txn.then.push_back(removal);
    CHECK(json::serialize(etcd::txn_body(txn)) ==
          R"({"compare":[{"key":"YQ==","target":"LEASE","result":"EQUAL","lease":"5"}],)"
          R"("success":[{"request_delete_range":{"key":"YQ=="}}],"failure":[]})");
    CHECK(etcd::watch_body({{{"a", false}, 3, 1}, {{"b", false}, 4, 2}}) ==
          R"({"create_request":{"key":"YQ==","start_revision":"3","watch_id":"1",)"
          R"("progress_notify":true,"fragment":true}})"
          R"({"create_request":{"key":"Yg==","start_revision":"4","watch_id":"2",)"
          R"("progress_notify":true,"fragment":true}})");
}

TEST_CASE("left-out fields have their defaults, numbers may be strings or numbers", "[etcd]") {
    const auto range = etcd::read_range(object(
        R"({"header":{"cluster_id":"14841639068965178418","revision":5},"kvs":[{"key":"YQ=="}]})"));
    CHECK(range.header.cluster_id == 14841639068965178418u);
    CHECK(range.header.revision == 5);
    CHECK(range.keys.at(0).key == "a");
    CHECK(range.keys.at(0).value.empty());
    CHECK_FALSE(range.more);
    const auto gone = etcd::read_event(
        json::parse(R"({"type":"DELETE","kv":{"key":"YQ==","mod_revision":"9"}})"));
    CHECK(gone.what == etcd::event::kind::removed);
    CHECK(gone.entry.mod_revision == 9);
}

TEST_CASE("an answer with wrong types is a bad answer, never a crash", "[etcd]") {
    CHECK_THROWS_AS(etcd::read_range(object(R"({"kvs":{}})")), etcd::bad_answer);
    CHECK_THROWS_AS(etcd::read_range(object(R"({"kvs":[1]})")), etcd::bad_answer);
    CHECK_THROWS_AS(etcd::read_range(object(R"({"kvs":[{"key":"%"}]})")), etcd::bad_answer);
    CHECK_THROWS_AS(etcd::read_range(object(R"({"count":"1x"})")), etcd::bad_answer);
    CHECK_THROWS_AS(etcd::read_range(object(R"({"count":1.5})")), etcd::bad_answer);
    CHECK_THROWS_AS(etcd::read_range(object(R"({"more":"yes"})")), etcd::bad_answer);
    CHECK_THROWS_AS(etcd::read_event(json::parse(R"({"type":"PUT"})")), etcd::bad_answer);
}

TEST_CASE("errors of etcd are told apart", "[etcd]") {
    const auto read = [](unsigned status, const std::string& message, int code) {
        json::object body;
        body["error"] = message;
        body["code"] = code;
        return etcd::read_error(status, json::serialize(body));
    };
    CHECK(read(400, "etcdserver: mvcc: required revision has been compacted", 11).why ==
          cause::compacted);
    CHECK(read(400, "etcdserver: mvcc: required revision is a future revision", 11).why ==
          cause::invalid);
    CHECK(read(400, "etcdserver: user name is empty", 3).why == cause::auth);
    CHECK(read(400, "etcdserver: request is too large", 3).why == cause::too_large);
    CHECK(read(401, "etcdserver: invalid auth token", 16).why == cause::auth);
    CHECK(read(403, "etcdserver: permission denied", 7).why == cause::auth);
    CHECK(read(503, "etcdserver: no leader", 14).why == cause::no_leader);
    CHECK(read(404, "etcdserver: requested lease not found", 5).why == cause::not_found);
    CHECK(etcd::token_refused(read(401, "etcdserver: invalid auth token", 16)));
    CHECK_FALSE(etcd::token_refused(read(403, "etcdserver: permission denied", 7)));

    // The newer gateway's words, and texts that are no JSON.
    const auto newer =
        etcd::read_error(503, R"({"code":14,"message":"etcdserver: no leader","details":[]})");
    CHECK(newer.why == cause::no_leader);
    CHECK(newer.text == "etcdserver: no leader");
    CHECK(etcd::read_error(404, "Not Found").why == cause::protocol);
    const auto named = etcd::read_error(400,
                                        "CommonName of client sending a request against gateway "
                                        "will be ignored and not used as expected");
    CHECK(named.why == cause::auth);
    CHECK(named.text.find("without a CommonName") != std::string::npos);
}
