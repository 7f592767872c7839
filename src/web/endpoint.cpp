#include "endpoint.hpp"

#include "handlers.hpp"

namespace logagent::web {

namespace {

using enum needs;

constexpr content json = content::json;
constexpr content patch = content::merge_patch;
constexpr content nothing = content::none;
constexpr content stored = content::stored;

const endpoint table[] = {
    {"GET", "/healthz", nobody, nothing, "", false, show_health},
    {"GET", "/readyz", nobody, nothing, "", false, show_readiness},
    {"GET", "/version", nobody, nothing, "", false, show_version},
    {"GET", "/metrics", nobody, nothing, "", false, show_metrics},

    {"GET", "/openapi.json", nobody, nothing, "", false, show_openapi},

    {"GET", "/api/v1/whoami", viewer, nothing, "", false, show_whoami},
    {"POST", "/api/v1/session", nobody, json, "", false, begin_session},
    {"DELETE", "/api/v1/session", viewer, nothing, "", false, end_session},

    {"GET", "/api/v1/services", viewer, nothing, "", false, list_services},
    {"POST", "/api/v1/services/{name}:rollback", editor, json, "service.rollback", true,
     roll_back_service},
    {"GET", "/api/v1/services/{name}", viewer, nothing, "", true, show_service},
    {"PUT", "/api/v1/services/{name}", editor, json, "service.put", true, put_service},
    {"PATCH", "/api/v1/services/{name}", editor, patch, "service.patch", true, patch_service},
    {"DELETE", "/api/v1/services/{name}", editor, nothing, "service.delete", true, delete_service},
    {"GET", "/api/v1/services/{name}/status", viewer, nothing, "", true, show_service_status},
    {"GET", "/api/v1/services/{name}/diff", viewer, nothing, "", true, diff_service},
    {"GET", "/api/v1/services/{name}/revisions", viewer, nothing, "", true, list_revisions},
    {"GET", "/api/v1/services/{name}/revisions/{revision}", viewer, nothing, "", true,
     show_revision},

    {"PUT", "/api/v1/services:sync", editor, json, "services.sync", false, sync_services},
    {"POST", "/api/v1/services:plan", editor, json, "", false, plan_services},
    {"POST", "/api/v1/plans/{id}:apply", editor, stored, "plan.apply", false, apply_plan},
    {"GET", "/api/v1/drift", viewer, nothing, "", false, show_drift},
    {"POST", "/api/v1/drift:repair", whole_editor, json, "drift.repair", false, repair_drift},
    {"POST", "/api/v1/drift:adopt", whole_editor, json, "drift.adopt", false, adopt_drift},
    {"GET", "/api/v1/export", viewer, nothing, "", false, export_all},
    {"POST", "/api/v1/import", editor, json, "import", false, import_all},

    {"GET", "/api/v1/rollouts", viewer, nothing, "", false, list_rollouts},
    {"POST", "/api/v1/rollouts", editor, json, "rollout.create", false, create_rollout},
    {"GET", "/api/v1/rollouts/{id}", viewer, nothing, "", false, show_rollout},
    {"GET", "/api/v1/rollouts/{id}/hosts", viewer, nothing, "", false, list_rollout_hosts},
    {"POST", "/api/v1/rollouts/{id}:pause", editor, json, "rollout.pause", false, pause_rollout},
    {"POST", "/api/v1/rollouts/{id}:resume", editor, json, "rollout.resume", false, resume_rollout},
    {"POST", "/api/v1/rollouts/{id}:promote", editor, json, "rollout.promote", false,
     promote_rollout},
    {"POST", "/api/v1/rollouts/{id}:abort", editor, json, "rollout.abort", false, abort_rollout},

    {"GET", "/api/v1/hosts", viewer, nothing, "", false, list_hosts},
    {"POST", "/api/v1/hosts:match", viewer, json, "", false, match_hosts},
    {"PUT", "/api/v1/hosts:sync", whole_admin, json, "hosts.sync", false, sync_hosts},
    {"POST", "/api/v1/hosts:label", whole_admin, json, "hosts.label", false, label_hosts},
    {"GET", "/api/v1/hosts/{host}", viewer, nothing, "", false, show_host},

    {"POST", "/api/v1/hosts/{host}:forget", whole_admin, json, "host.forget", false, forget_host},
    {"GET", "/api/v1/hosts/{host}/config", viewer, nothing, "", false, show_host_config},
    {"PATCH", "/api/v1/hosts/{host}/labels", whole_admin, patch, "host.labels", false,
     patch_labels},

    {"GET", "/api/v1/tokens", whole_admin, nothing, "", false, list_tokens},
    {"POST", "/api/v1/tokens", whole_admin, json, "token.create", false, create_token},
    {"DELETE", "/api/v1/tokens/{id}", whole_admin, nothing, "token.delete", false, delete_token},

    {"GET", "/api/v1/audit", whole_admin, nothing, "", false, list_audit},

    {"GET", "/api/v1/events", viewer, nothing, "", false, follow_events},
    {"GET", "/api/v1/tail", tailer, stored, "tail.start", false, follow_lines},
    {"GET", "/api/v1/rates", viewer, nothing, "", false, show_rates},
    {"GET", "/api/v1/hosts/{host}/files", viewer, nothing, "", false, list_files},
    {"GET", "/api/v1/why", viewer, nothing, "", false, show_why},

    {"GET", "/api/v1/transfer/routes", viewer, nothing, "", false, list_routes},
    {"GET", "/api/v1/transfer/routes/{name}", viewer, nothing, "", false, show_route},
    {"PUT", "/api/v1/transfer/routes/{name}", whole_editor, json, "route.put", false, put_route},
    {"DELETE", "/api/v1/transfer/routes/{name}", whole_editor, nothing, "route.delete", false,
     delete_route},
    {"GET", "/api/v1/transfer/processes", viewer, nothing, "", false, list_processes},

    {"GET", "/api/v1/paths", editor, nothing, "", false, list_paths},
    {"GET", "/api/v1/replays", viewer, nothing, "", false, list_replays},
    {"POST", "/api/v1/replays", editor, json, "replay.create", false, create_replay},
    {"POST", "/api/v1/replays/{id}:cancel", editor, json, "replay.cancel", false, cancel_replay},
    {"GET", "/api/v1/replays/{id}", viewer, nothing, "", false, show_one_replay},
};

role role_for(needs access) {
    switch (access) {
        case tailer:
            return role::tailer;
        case editor:
        case whole_editor:
            return role::editor;
        case admin:
        case whole_admin:
            return role::admin;
        default:
            return role::viewer;
    }
}

problem refusal(unsigned status, std::string code, std::string detail) {
    problem why;
    why.status = status;
    why.code = std::move(code);
    why.detail = std::move(detail);
    return why;
}

}  // namespace

std::span<const endpoint> endpoints() {
    return table;
}

std::optional<problem> access_problem(const endpoint& asked, const principal* who,
                                      std::string_view service) {
    if (asked.access == nobody) return std::nullopt;
    if (!who) {
        auto why = refusal(401, "unauthenticated",
                           "a token is needed: Authorization: Bearer lgw_..., or a session");
        why.fields.push_back({"WWW-Authenticate", "Bearer realm=\"logagent\""});
        return why;
    }
    const auto needed = role_for(asked.access);
    if (!who->may(needed))
        return refusal(403, "role",
                       "the token '" + who->name + "' has the role " +
                           std::string{name(who->allowed)} + "; this needs " +
                           std::string{name(needed)});
    const bool whole = asked.access == whole_admin || asked.access == whole_editor;
    if (whole && !who->covers_all())
        return refusal(
            403, "scope",
            "the token '" + who->name +
                "' is limited to some services; this needs one for all (services [\"*\"])");
    if (asked.of_service && !who->covers(service))
        return refusal(
            403, "scope",
            "the token '" + who->name + "' is not for the service '" + std::string{service} + "'");
    return std::nullopt;
}

}  // namespace logagent::web
