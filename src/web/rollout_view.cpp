#include "rollout_view.hpp"

#include <boost/json/array.hpp>

#include "stamp.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

json::value time_or_null(std::int64_t wall_ms) {
    if (wall_ms == 0) return nullptr;
    return json::value(utc_time(wall_ms));
}

std::string_view shown_state(const fleet::rollout& one) {
    const bool bakes = one.state == fleet::rollout_state::running && one.settled_ms != 0;
    return bakes ? std::string_view{"baking"} : fleet::name_of(one.state);
}

json::value reason_json(const fleet::rollout_reason& from) {
    if (from.code.empty()) return nullptr;
    json::object out;
    out["code"] = from.code;
    out["detail"] = from.detail;
    json::array hosts;
    for (const auto& host : from.hosts)
        hosts.emplace_back(host);
    out["hosts"] = std::move(hosts);
    return out;
}

}  // namespace

json::object item_json(const fleet::rollout& one) {
    json::object out;
    out["id"] = one.id;
    out["service"] = one.next.name;
    out["revision"] = one.revision;
    out["from_revision"] = one.from_revision;
    out["state"] = shown_state(one);
    out["stage"] = one.stage;
    json::array stages;
    for (const auto& stage : one.stages) {
        json::object each;
        each["percent"] = stage.percent;
        each["hosts"] = stage.hosts;
        each["started_at"] = time_or_null(stage.started_ms);
        each["ended_at"] = time_or_null(stage.ended_ms);
        stages.push_back(std::move(each));
    }
    out["stages"] = std::move(stages);
    out["bake_s"] = one.bake_s;
    const bool bakes = one.state == fleet::rollout_state::running && one.settled_ms != 0;
    out["bake_ends_at"] = time_or_null(bakes ? one.settled_ms + one.bake_s * 1000 : 0);
    out["patience_s"] = one.patience_s;
    out["automatic"] = one.automatic;
    out["reason"] = reason_json(one.reason);
    out["created_at"] = utc_time(one.created_ms);
    out["by"] = one.by;
    out["message"] = one.message;
    out["hosts"] = one.stages.empty() ? 0 : one.stages.back().hosts;
    return out;
}

std::string_view state_in(const fleet::rollout& one, const fleet::rollout_host& host) {
    if (!one.reached().contains(host.name)) return "pending";
    if (one.state == fleet::rollout_state::aborted) return "reverted";
    if (!host.live) return "offline";
    if (!host.failed.empty()) return "failed";
    return host.applied ? "applied" : "written";
}

json::object item_json(const fleet::rollout& one, std::span<const fleet::rollout_host> hosts) {
    auto out = item_json(one);
    std::size_t reached = 0;
    std::size_t applied = 0;
    std::size_t failed = 0;
    std::size_t offline = 0;
    for (const auto& host : hosts) {
        const auto state = state_in(one, host);
        reached += state != "pending" ? 1 : 0;
        applied += state == "applied" ? 1 : 0;
        failed += state == "failed" ? 1 : 0;
        offline += state == "offline" ? 1 : 0;
    }
    if (one.active()) out["hosts"] = hosts.size();
    out["reached"] = reached;
    out["applied"] = applied;
    out["failed"] = failed;
    out["offline"] = offline;
    return out;
}

json::object host_json(const fleet::rollout& one, const fleet::rollout_host& host) {
    json::object out;
    out["host"] = host.name;
    out["stage"] = one.stage_of(host.name);
    out["state"] = state_in(one, host);
    out["detail"] = host.failed;
    if (host.lag_bytes)
        out["lag_bytes"] = *host.lag_bytes;
    else
        out["lag_bytes"] = nullptr;
    const auto before = one.before.find(host.name);
    if (!host.lag_bytes)
        out["lag_before_bytes"] = nullptr;
    else
        out["lag_before_bytes"] = before == one.before.end() ? 0 : before->second.lag_bytes;
    return out;
}

}  // namespace logagent::web
