#include "rollouts.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "host_failure.hpp"
#include "logagent/base/escape.hpp"
#include "problem.hpp"
#include "rollout_view.hpp"
#include "service_change.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using fleet::rollout_state;

/// Begins a stage, or goes on with it: from here on things count.
void begin_watching(fleet::rollout& one, std::vector<fleet::rollout_host> hosts,
                    std::int64_t now_ms) {
    one.began_ms = now_ms;
    one.settled_ms = 0;
    one.before = fleet::note_before(hosts);
    one.state = rollout_state::running;
    one.reason = {};
}

void enter_stage(fleet::rollout& one, std::size_t stage, std::int64_t now_ms) {
    if (one.stage != stage) one.stages[one.stage].ended_ms = now_ms;
    one.stage = stage;
    one.stages[stage].started_ms = now_ms;
}

/// The rollout after a step.
void change_rollout(fleet::rollout& one, const rollout_step& step, std::int64_t now_ms) {
    switch (step.what) {
        case rollout_step_kind::begin:
        case rollout_step_kind::stage:
            enter_stage(one, step.stage, now_ms);
            break;
        case rollout_step_kind::pause:
            one.state = rollout_state::paused;
            one.reason = step.reason;
            break;
        case rollout_step_kind::resume:
            break;
        case rollout_step_kind::abort:
            one.state = rollout_state::aborted;
            one.reason = step.reason;
            one.stages[one.stage].ended_ms = now_ms;
            one.before.clear();
            break;
        case rollout_step_kind::finish:
            one.state = rollout_state::done;
            one.reason = {};
            one.stages[one.stage].ended_ms = now_ms;
            one.before.clear();
            break;
    }
}

bool watches(rollout_step_kind what) {
    return what == rollout_step_kind::begin || what == rollout_step_kind::stage ||
           what == rollout_step_kind::resume;
}

/// Errors of the plan that this service has to do with.
void refuse_plan_errors(const prepared_plan& prepared, const std::string& service) {
    const std::vector<std::string> names{service};
    refuse_errors(prepared, names);
}

/// A rendering with the service at its next definition everywhere: what the end would be.
asio::awaitable<void> refuse_bad_end(fleet_state state, std::string service) {
    auto& value = state.rollouts.at(service).value;
    value.stage = value.stages.size() - 1;
    const fleet::plan_options options;
    const auto end = co_await prepare(state, options);
    refuse_plan_errors(end, service);
}

service_change final_change(const fleet_state& state, const stored_rollout& rolling) {
    service_change edit;
    edit.name = rolling.value.next.name;
    const auto found = state.services.find(edit.name);
    edit.base = found == state.services.end() ? 0 : found->second.mod_revision;
    edit.number = rolling.value.revision;
    edit.next = rolling.value.next;
    edit.rolling = rolling.lock_revision;
    return edit;
}

}  // namespace

asio::awaitable<read_rollout_result> read_rollout(parts& with, std::string id) {
    const etcd::key_range key{with.keys.rollout(id)};
    const auto found = co_await with.store.range(key);
    if (found.keys.empty())
        throw refused{404, "not_found", "there is no rollout '" + base::visible(id, 80) + "'"};
    auto read = fleet::parse_rollout(found.keys.front().value);
    if (!read)
        throw refused{500, "broken_document",
                      "the rollout cannot be read: " + base::describe(read.error())};
    read_rollout_result out;
    out.value = *std::move(read);
    out.mod_revision = found.keys.front().mod_revision;
    co_return out;
}

std::vector<fleet::rollout_host> observe(parts& with, std::span<const std::string> hosts,
                                         const fleet::rendering& wanted,
                                         const std::string& service) {
    std::vector<fleet::rollout_host> out;
    for (const auto& name : hosts) {
        fleet::rollout_host host;
        host.name = name;
        const auto found = with.hosts.all().find(name);
        const auto* rendered = wanted.find(name);
        if (found != with.hosts.all().end()) {
            const auto& record = found->second;
            host.live = record.online;
            // A CMDB names hosts before they have an agent.
            host.seen = record.reported || (record.known && record.known->source == "agent");
            host.failed = failure_for(record, service, rendered, wanted).text();
            host.applied = rendered && record.reported &&
                           record.reported->applied_hash == wanted.applied_hash(*rendered);
        }
        if (with.lag_of) host.lag_bytes = with.lag_of(name);
        out.push_back(std::move(host));
    }
    return out;
}

asio::awaitable<std::optional<step_result>> take_step(parts& with, exchange& one,
                                                      fleet_state& state, std::string service,
                                                      rollout_step step) {
    auto& rolling = state.rollouts.at(service);
    const auto before = rolling;
    auto& value = rolling.value;
    change_rollout(value, step, one.now_ms);
    change what;
    step_result out;
    const fleet::plan_options options;
    const bool ends = !value.active();
    if (step.what == rollout_step_kind::finish) {
        const auto edit = final_change(state, before);
        add_change(with, one, edit, what);
        replace(state, edit);
    }
    // Aborted or finished: hosts are rendered from what the service's key holds then.
    if (ends) state.rollouts.erase(service);
    auto prepared = co_await prepare(state, options);
    if (ends) state.rollouts.emplace(service, before);  // whose hosts are meant
    if (step.what == rollout_step_kind::stage || step.what == rollout_step_kind::begin)
        refuse_plan_errors(prepared, service);
    if (step.what == rollout_step_kind::pause) prepared.plan.writes.clear();
    keep_service(prepared, state, service);
    auto& after = state.rollouts.at(service).value;
    if (ends) {
        after = before.value;
        change_rollout(after, step, one.now_ms);
    } else if (watches(step.what)) {
        const auto hosts = hosts_of(state, service);
        begin_watching(after, observe(with, hosts, prepared.wanted, service), one.now_ms);
    }
    out.value = after;
    if (one.dry_run) {
        out.prepared = std::move(prepared);
        co_return out;
    }
    const auto key = with.keys.rollout(after.id);
    const auto lock = with.keys.rolling(service);
    what.conditions.push_back(unchanged(key, before.mod_revision));
    what.operations.push_back(put(key, json::serialize(fleet::to_json(after))));
    if (step.what == rollout_step_kind::begin) {
        const auto found = state.services.find(service);
        const auto base = found == state.services.end() ? 0 : found->second.mod_revision;
        what.conditions.push_back(unchanged(with.keys.service(service), base));
        what.conditions.push_back(unchanged(lock, 0));
        what.operations.push_back(put(lock, after.id));
    }
    if (ends) what.operations.push_back(remove(lock));
    what.audit["rollout"] = after.id;
    what.audit["stage"] = after.stage;
    if (!after.reason.code.empty()) what.audit["reason"] = after.reason.detail;
    what.answer = json::serialize(item_json(after));
    what.answer_status = step.what == rollout_step_kind::begin ? 201 : 200;
    auto done = co_await carry_out(with, one, prepared, std::move(what));
    if (!done) co_return std::nullopt;
    out.mod_revision = done->revision;
    out.done = *std::move(done);
    out.prepared = std::move(prepared);
    co_return out;
}

asio::awaitable<std::optional<step_result>> begin_rollout(parts& with, exchange& one,
                                                          fleet_state& state,
                                                          fleet::rollout value) {
    const std::string service = value.next.name;
    stored_rollout rolling;
    rolling.value = std::move(value);
    state.rollouts[service] = std::move(rolling);
    co_await refuse_bad_end(state, service);
    rollout_step step;
    step.what = rollout_step_kind::begin;
    auto out = co_await take_step(with, one, state, service, std::move(step));
    co_return out;
}

}  // namespace logagent::web
