#include <boost/json/array.hpp>

#include "logagent/fleet/plan.hpp"

namespace logagent::fleet {

namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& list) {
    return json::array(list.begin(), list.end());
}

json::array problems(const std::vector<render_problem>& list) {
    json::array out;
    for (const auto& problem : list) {
        json::object one;
        one["code"] = problem.code;
        one["detail"] = problem.text;
        one["services"] = texts(problem.services);
        one["hosts"] = texts(problem.hosts);
        out.push_back(std::move(one));
    }
    return out;
}

json::array rates(const std::vector<topic_rate>& list) {
    json::array out;
    for (const auto& rate : list) {
        json::object one;
        one["topic"] = rate.topic;
        one["entries"] = rate.entries;
        one["send_rate"] = rate.lines_per_s;
        one["send_rate_bytes"] = rate.bytes_per_s;
        one["unlimited"] = rate.unlimited_lines;
        one["unlimited_bytes"] = rate.unlimited_bytes;
        one["globs"] = rate.globs;
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

std::string_view name_of(hold_reason reason) {
    switch (reason) {
        case hold_reason::none:
            break;
        case hold_reason::blocked:
            return "blocked";
        case hold_reason::hand_written:
            return "hand_written";
        case hold_reason::drift:
            return "drift";
        case hold_reason::orphan:
            return "orphan";
    }
    return "none";
}

json::object to_json(const planned_key& key, const plan& from) {
    json::array diff;
    for (const auto change : key.changes)
        diff.push_back(to_json(from.changes[change].change));
    json::object out;
    out["host"] = key.host;
    out["address"] = key.address;
    out["mod_revision"] = key.mod_revision;
    out["action"] =
        key.held == hold_reason::none ? "write" : "held:" + std::string{name_of(key.held)};
    out["drift"] = key.drift;
    out["hand_written"] = key.hand_written;
    out["broken"] = key.broken;
    if (!key.lost.empty()) out["lost"] = texts(key.lost);
    out["diff"] = std::move(diff);
    return out;
}

json::object summary_json(const plan& from) {
    json::object counts;
    counts["write"] = from.writes.size();
    counts["held"] = from.held.size();
    counts["unchanged"] = from.unchanged;
    json::array changes;
    for (const auto& [change, keys] : from.changes) {
        auto one = to_json(change);
        one["keys"] = keys;
        changes.push_back(std::move(one));
    }
    json::object out;
    out["keys"] = std::move(counts);
    out["changes"] = std::move(changes);
    out["hand_written"] = texts(from.hand_written);
    out["errors"] = problems(from.errors);
    out["warnings"] = problems(from.warnings);
    out["topics"] = rates(from.topics);
    return out;
}

}  // namespace logagent::fleet
