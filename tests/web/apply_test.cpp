#include "web/apply.hpp"

#include <boost/json/serialize.hpp>

#include "support/test.hpp"

namespace web = logagent::web;
namespace fleet = logagent::fleet;

namespace {

fleet::planned_key key(std::string host, std::string address) {
    fleet::planned_key out;
    out.host = std::move(host);
    out.address = std::move(address);
    return out;
}

}  // namespace

TEST_CASE("the record of a change is read back as it was", "[web]") {
    web::apply_record one;
    one.id = "01";
    one.replica = "r";
    one.action = "service.put";
    one.target = "shop";
    one.only_service = "shop";
    one.addresses_only = true;
    one.options.take_over = {"10.0.0.1", "10.0.0.2"};
    one.options.repair_drift = true;
    one.host = "web1";
    one.address = "10.0.0.1";
    one.written = 60;
    one.total = 200;
    const auto text = boost::json::serialize(web::to_json(one));
    const auto read = web::parse_apply("01", text);
    REQUIRE(read.has_value());
    CHECK(boost::json::serialize(web::to_json(*read)) == text);
    CHECK(read->options.take_over == one.options.take_over);
    CHECK(read->written == 60);
    CHECK(read->addresses_only);
    for (const auto* broken : {"", "[]", "{}", R"({"replica":1})"})
        CHECK_FALSE(web::parse_apply("01", broken).has_value());
}

TEST_CASE("a change goes on behind the last key that is written", "[web]") {
    web::apply_record one;
    CHECK(one.before(key("a", "1")));
    one.host = "web1";
    one.address = "10.0.0.2";
    CHECK_FALSE(one.before(key("", "10.0.0.9")));
    CHECK_FALSE(one.before(key("web1", "10.0.0.1")));
    CHECK_FALSE(one.before(key("web1", "10.0.0.2")));
    CHECK(one.before(key("web1", "10.0.0.3")));
    CHECK(one.before(key("web2", "10.0.0.1")));
}
