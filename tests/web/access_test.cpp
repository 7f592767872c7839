#include "web/access.hpp"

#include "support/test.hpp"
#include "web/endpoint.hpp"

namespace web = logagent::web;

namespace {

web::principal someone(web::role role, std::vector<std::string> services = {"*"}) {
    return {"id", "name", role, std::move(services)};
}

/// What the endpoint answers to: nobody, the four roles for all services, an editor and an admin of
/// "shop*" asking for "shop-eu", and the same asking for "bank". "+" = goes on, else the status.
std::string row(const web::endpoint& one) {
    const auto nobody = std::optional<web::principal>{};
    const std::vector<std::pair<std::optional<web::principal>, std::string>> askers{
        {nobody, "bank"},
        {someone(web::role::viewer), "bank"},
        {someone(web::role::tailer), "bank"},
        {someone(web::role::editor), "bank"},
        {someone(web::role::admin), "bank"},
        {someone(web::role::editor, {"shop*"}), "shop-eu"},
        {someone(web::role::admin, {"x", "shop*"}), "shop-eu"},
        {someone(web::role::editor, {"shop*"}), "bank"},
        {someone(web::role::admin, {"x", "shop*"}), "bank"},
    };
    std::string out;
    for (const auto& [who, service] : askers) {
        const auto why = web::access_problem(one, who ? &*who : nullptr, service);
        out += (out.empty() ? "" : " ") + (why ? std::to_string(why->status) : std::string{"+"});
    }
    return out;
}

}  // namespace

TEST_CASE("every endpoint answers to the roles that it is meant for", "[web]") {
    //                                nobody viewer tailer editor admin | limited: in it | not in it
    const std::string open = "+ + + + + + + + +";
    const std::string all = "401 + + + + + + + +";
    const std::string read_service = "401 + + + + + + 403 403";
    const std::string edit_service = "401 403 403 + + + + 403 403";
    const std::string edit_some = "401 403 403 + + + + + +";  // which ones, its handler says
    const std::string see_lines = "401 403 + + + + + + +";    // whose, its handler says
    const std::string whole_editor = "401 403 403 + + 403 403 403 403";
    const std::string whole_admin = "401 403 403 403 + 403 403 403 403";
    const std::vector<std::pair<std::string, std::string>> expected{
        {"GET /healthz", open},
        {"GET /readyz", open},
        {"GET /version", open},
        {"GET /metrics", open},
        {"GET /openapi.json", open},
        {"GET /api/v1/whoami", all},
        {"POST /api/v1/session", open},
        {"DELETE /api/v1/session", all},
        {"GET /api/v1/services", all},
        {"POST /api/v1/services/{name}:rollback", edit_service},
        {"GET /api/v1/services/{name}", read_service},
        {"PUT /api/v1/services/{name}", edit_service},
        {"PATCH /api/v1/services/{name}", edit_service},
        {"DELETE /api/v1/services/{name}", edit_service},
        {"GET /api/v1/services/{name}/status", read_service},
        {"GET /api/v1/services/{name}/diff", read_service},
        {"GET /api/v1/services/{name}/revisions", read_service},
        {"GET /api/v1/services/{name}/revisions/{revision}", read_service},
        {"PUT /api/v1/services:sync", edit_some},
        {"POST /api/v1/services:plan", edit_some},
        {"POST /api/v1/plans/{id}:apply", edit_some},
        {"GET /api/v1/drift", all},
        {"POST /api/v1/drift:repair", whole_editor},
        {"POST /api/v1/drift:adopt", whole_editor},
        {"GET /api/v1/export", all},
        {"POST /api/v1/import", edit_some},
        {"GET /api/v1/rollouts", all},
        {"POST /api/v1/rollouts", edit_some},
        {"GET /api/v1/rollouts/{id}", all},
        {"GET /api/v1/rollouts/{id}/hosts", all},
        {"POST /api/v1/rollouts/{id}:pause", edit_some},
        {"POST /api/v1/rollouts/{id}:resume", edit_some},
        {"POST /api/v1/rollouts/{id}:promote", edit_some},
        {"POST /api/v1/rollouts/{id}:abort", edit_some},
        {"GET /api/v1/hosts", all},
        {"POST /api/v1/hosts:match", all},
        {"PUT /api/v1/hosts:sync", whole_admin},
        {"POST /api/v1/hosts:label", whole_admin},
        {"GET /api/v1/hosts/{host}", all},
        {"POST /api/v1/hosts/{host}:forget", whole_admin},
        {"GET /api/v1/hosts/{host}/config", all},
        {"PATCH /api/v1/hosts/{host}/labels", whole_admin},
        {"GET /api/v1/tokens", whole_admin},
        {"POST /api/v1/tokens", whole_admin},
        {"DELETE /api/v1/tokens/{id}", whole_admin},
        {"GET /api/v1/audit", whole_admin},
        {"GET /api/v1/events", all},
        {"GET /api/v1/tail", see_lines},
        {"GET /api/v1/rates", all},
        {"GET /api/v1/hosts/{host}/files", all},
        {"GET /api/v1/why", all},
        {"GET /api/v1/transfer/routes", all},
        {"GET /api/v1/transfer/routes/{name}", all},
        {"PUT /api/v1/transfer/routes/{name}", whole_editor},
        {"DELETE /api/v1/transfer/routes/{name}", whole_editor},
        {"GET /api/v1/transfer/processes", all},
        {"GET /api/v1/paths", edit_some},
        {"GET /api/v1/replays", all},
        {"POST /api/v1/replays", edit_some},
        {"POST /api/v1/replays/{id}:cancel", edit_some},
        {"GET /api/v1/replays/{id}", all},
    };
    std::vector<std::pair<std::string, std::string>> seen;
    for (const auto& one : web::endpoints())
        seen.emplace_back(std::string{one.method} + " " + std::string{one.pattern}, row(one));
    CHECK(seen == expected);
}

TEST_CASE("every endpoint that changes something is audited and needs more than a viewer",
          "[web]") {
    for (const auto& one : web::endpoints()) {
        if (one.pattern == "/api/v1/tail") continue;  // looking at lines is audited too
        const bool unsafe = one.method != "GET";
        // A log-in, a plan and a question change nothing that anybody else sees.
        const bool harmless = one.pattern == "/api/v1/session" ||
                              one.pattern == "/api/v1/services:plan" ||
                              one.pattern == "/api/v1/hosts:match";
        INFO(one.method << " " << one.pattern);
        CHECK(one.answer != nullptr);
        CHECK((unsafe && !harmless) == !one.change.empty());
        if (!one.change.empty()) CHECK(one.access >= web::needs::editor);
    }
}

TEST_CASE("roles have their names, and a glob its services", "[web]") {
    for (const auto* name : {"viewer", "tailer", "editor", "admin"})
        CHECK(web::name(web::parse_role(name).value()) == name);
    CHECK_FALSE(web::parse_role("root"));
    CHECK(someone(web::role::viewer, {"a", "shop-*"}).covers("shop-eu"));
    CHECK_FALSE(someone(web::role::viewer, {"a", "shop-*"}).covers("shop"));
    CHECK_FALSE(someone(web::role::viewer, {"a*", "?"}).covers_all());
    CHECK_FALSE(someone(web::role::admin, {}).covers("x"));
}
