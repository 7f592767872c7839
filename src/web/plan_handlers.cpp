#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "apply.hpp"
#include "endpoint.hpp"
#include "handlers.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/address.hpp"
#include "service_change.hpp"
#include "service_document.hpp"
#include "stamp.hpp"
#include "token.hpp"

// Plans: what some definitions would do to the keys of hosts, and carrying exactly that out.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr auto plan_life = std::chrono::hours{1};
constexpr std::size_t most_services = 30;  // each takes two of the 128 operations

refused field_problem(std::string pointer, std::string code, std::string detail) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = pointer + ": " + detail;
    why.errors.push_back({std::move(pointer), std::move(code), std::move(detail)});
    return refused{std::move(why)};
}

/// What a plan was asked for.
struct plan_question {
    json::array services;  // definitions
    json::array take_over;
    bool repair_drift = false;
    bool empty_orphans = false;
};

bool read_flag(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (!found) return false;
    if (!found->is_bool())
        throw field_problem("/" + std::string{name}, "type", "expected true or false");
    return found->get_bool();
}

json::array read_list(const json::object& from, std::string_view name, std::size_t most) {
    const auto* found = from.if_contains(name);
    if (!found) return {};
    if (!found->is_array() || found->get_array().size() > most)
        throw field_problem("/" + std::string{name}, "type",
                            "expected a list of at most " + std::to_string(most));
    return found->get_array();
}

plan_question read_question(const json::object& from) {
    for (const auto& member : from) {
        const std::string_view key = member.key();
        if (key != "services" && key != "take_over" && key != "repair_drift" &&
            key != "empty_orphans") {
            std::string pointer;
            base::append_pointer(pointer, key);
            throw field_problem(
                pointer, "unknown_field",
                "allowed: services, take_over, repair_drift, empty_orphans, message");
        }
    }
    plan_question out;
    out.services = read_list(from, "services", most_services);
    out.take_over = read_list(from, "take_over", 10'000);
    out.repair_drift = read_flag(from, "repair_drift");
    out.empty_orphans = read_flag(from, "empty_orphans");
    return out;
}

fleet::plan_options options_of(const plan_question& question) {
    fleet::plan_options out;
    out.repair_drift = question.repair_drift;
    out.empty_orphans = question.empty_orphans;
    for (std::size_t i = 0; i < question.take_over.size(); ++i) {
        const auto& one = question.take_over[i];
        const auto address =
            one.is_string() ? fleet::parse_address(one.get_string()) : std::nullopt;
        if (!address)
            throw field_problem("/take_over/" + std::to_string(i), "address",
                                "expected an IPv4 or IPv6 address");
        out.take_over.insert(fleet::to_text(*address));
    }
    return out;
}

/// The definitions as changes of `state`; pointers begin with their place.
std::vector<service_change> read_changes(const json::array& definitions, const fleet_state& state,
                                         const principal& who) {
    std::vector<service_change> out;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
        const auto place = "/services/" + std::to_string(i);
        const auto* definition = definitions[i].if_object();
        const auto* name = definition ? definition->if_contains("name") : nullptr;
        if (!name || !name->is_string() || !valid_service_name(name->get_string()))
            throw field_problem(place + "/name", name ? "name" : "missing",
                                "expected 1 to 64 of a-z A-Z 0-9 . _ -");
        service_change edit;
        edit.name = name->get_string();
        if (!who.covers(edit.name))
            throw refused{
                403, "scope",
                "the token '" + who.name + "' is not for the service '" + edit.name + "'"};
        if (std::ranges::find(out, edit.name, &service_change::name) != out.end())
            throw field_problem(place + "/name", "duplicate", "is there twice");
        refuse_rolling(state, edit.name);
        const auto found = state.services.find(edit.name);
        const bool known = found != state.services.end();
        edit.base = known ? found->second.mod_revision : 0;
        try {
            edit.next =
                read_definition(edit.name, *definition, known ? &found->second.value : nullptr);
        } catch (const refused& refusal) {
            auto why = refusal.why();
            for (auto& error : why.errors)
                error.pointer = place + error.pointer;
            why.detail = place + why.detail;
            throw refused{std::move(why)};
        }
        out.push_back(std::move(edit));
    }
    return out;
}

std::vector<std::string> names_of(const std::vector<service_change>& edits) {
    std::vector<std::string> out;
    for (const auto& edit : edits)
        out.push_back(edit.name);
    return out;
}

/// The plan as it is kept until it is applied.
json::object kept_plan(const exchange& one, const plan_question& question,
                       const std::vector<service_change>& edits, const prepared_plan& prepared) {
    json::object out;
    out["by"] = one.who.token_id;
    out["message"] = one.message;
    out["digest"] = digest_of(prepared);
    json::object base;
    for (const auto& edit : edits)
        base[edit.name] = edit.base;
    out["base"] = std::move(base);
    json::object asked;
    asked["services"] = question.services;
    asked["take_over"] = question.take_over;
    asked["repair_drift"] = question.repair_drift;
    asked["empty_orphans"] = question.empty_orphans;
    out["question"] = std::move(asked);
    return out;
}

[[noreturn]] void moved(const std::string& detail) {
    throw refused{409, "plan_moved", detail + "; nothing was changed, make a new plan"};
}

/// Nothing that the plan was made from has changed.
void require_unmoved(const json::object& kept, const std::vector<service_change>& edits) {
    const auto& base = kept.at("base").as_object();
    for (const auto& edit : edits)
        if (base.at(edit.name).to_number<std::int64_t>() != edit.base)
            moved("the service '" + edit.name + "' was changed since the plan was made");
}

}  // namespace

answering plan_services(parts& with, exchange& one) {
    one.message = read_message(one);
    const auto question = read_question(one.body);
    const bool beyond = !question.take_over.empty() || question.repair_drift ||
                        question.empty_orphans || question.services.empty();
    if (beyond && !one.who.covers_all())
        throw refused{403, "scope",
                      "the token '" + one.who.name +
                          "' is limited to some services; a plan for all of them, and take_over, "
                          "repair_drift and empty_orphans need one for all"};
    const auto options = options_of(question);
    auto state = co_await read_fleet(with);
    const auto edits = read_changes(question.services, state, one.who);
    for (const auto& edit : edits)
        replace(state, edit);
    const auto prepared = co_await prepare(state, options);
    auto answer = plan_json(prepared);
    answer["base_revision"] = state.revision;
    if (one.dry_run) {
        answer["dry_run"] = true;
        co_return json_answer(answer);
    }
    const auto id = ulid(one.now_ms, random_bytes(10));
    std::string kept = json::serialize(kept_plan(one, question, edits, prepared));
    const auto lease = co_await with.store.grant(plan_life);
    const auto key = with.keys.plan(id);
    auto stored = co_await with.store.etcd().put(key, std::move(kept), lease);
    if (!stored) throw refused{503, "etcd_unavailable", stored.error().text};
    answer["plan_id"] = id;
    answer["expires_at"] = utc_time(one.now_ms + plan_life / std::chrono::milliseconds{1});
    co_return json_answer(answer, 201);
}

answering apply_plan(parts& with, exchange& one) {
    const std::string id{one.request.parameter("id")};
    one.target = id;
    const auto stored = co_await with.store.get(with.keys.plan(id));
    if (stored.mod_revision == 0)
        throw refused{404, "not_found",
                      "there is no such plan: it was applied, it is older than an hour, or it has "
                      "never been"};
    const auto& kept = stored.value;
    if (kept.at("by").as_string() != one.who.token_id)
        throw refused{403, "scope", "a plan is applied with the token that made it"};
    one.message = kept.at("message").as_string();
    const auto question = read_question(kept.at("question").as_object());
    auto state = co_await read_fleet(with);
    auto edits = read_changes(question.services, state, one.who);
    require_unmoved(kept, edits);
    for (const auto& edit : edits)
        replace(state, edit);
    auto options = options_of(question);
    const auto prepared = co_await prepare(state, std::move(options));
    refuse_errors(prepared, names_of(edits));
    if (digest_of(prepared) != std::string_view{kept.at("digest").as_string()})
        moved(
            "services, hosts or keys have changed since the plan was made, so that it would "
            "write something else");
    change what;
    what.conditions.push_back(unchanged(with.keys.plan(id), stored.mod_revision));
    what.operations.push_back(remove(with.keys.plan(id)));
    json::object revisions;
    for (auto& edit : edits) {
        edit.number = 1 + co_await last_revision(with, edit.name);
        add_change(with, one, edit, what);
        revisions[edit.name] = edit.number;
    }
    what.audit["revisions"] = revisions;
    if (one.dry_run) {
        auto answer = plan_json(prepared);
        answer["dry_run"] = true;
        co_return json_answer(answer);
    }
    const auto done = co_await carry_out(with, one, prepared, std::move(what));
    if (!done) moved("something that the plan would write was changed at the same moment");
    auto answer = outcome_json(prepared, *done);
    answer["revisions"] = std::move(revisions);
    co_return json_answer(answer);
}

}  // namespace logagent::web
