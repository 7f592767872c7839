#include "web/rollout_view.hpp"

#include "support/test.hpp"

namespace web = logagent::web;
namespace fleet = logagent::fleet;

namespace {

fleet::rollout some_rollout() {
    fleet::rollout out;
    out.id = "r";
    out.next.name = "shop";
    out.first_host = "a";
    out.stages = {{0, 1, 1000, 0}, {100, 3, 0, 0}};
    return out;
}

}  // namespace

TEST_CASE("hosts of a rollout are counted by what they are in it", "[rollout]") {
    auto one = some_rollout();
    const fleet::rollout_host hosts[] = {
        {"a", true, true, "", 5}, {"b", true, false, "", {}}, {"c", false, false, "", {}}};
    CHECK(web::state_in(one, hosts[0]) == "applied");
    CHECK(web::state_in(one, hosts[1]) == "pending");
    auto item = web::item_json(one, hosts);
    CHECK(item.at("reached") == 1);
    CHECK(item.at("applied") == 1);
    CHECK(item.at("state") == "running");
    CHECK(item.at("bake_ends_at").is_null());
    CHECK(item.at("stages").at(0).at("started_at") == "1970-01-01T00:00:01.000Z");
    CHECK(item.at("stages").at(1).at("started_at").is_null());

    one.stage = 1;
    one.settled_ms = 5000;
    item = web::item_json(one, hosts);
    CHECK(item.at("state") == "baking");
    CHECK(item.at("bake_ends_at") == "1970-01-01T00:05:05.000Z");
    CHECK(web::state_in(one, hosts[1]) == "written");
    CHECK(web::state_in(one, hosts[2]) == "offline");
    one.state = fleet::rollout_state::aborted;
    CHECK(web::state_in(one, hosts[0]) == "reverted");
    CHECK(web::item_json(one).at("state") == "aborted");
}
