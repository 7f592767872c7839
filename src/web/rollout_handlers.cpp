#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "fleet_board.hpp"
#include "handlers.hpp"
#include "logagent/base/json.hpp"
#include "page.hpp"
#include "precondition.hpp"
#include "problem.hpp"
#include "rollout_view.hpp"
#include "rollouts.hpp"
#include "service_change.hpp"
#include "service_document.hpp"
#include "stamp.hpp"
#include "token.hpp"

// Endpoints of rollouts.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int most_attempts = 5;
constexpr std::int64_t longest_wait_s = 7 * 24 * 3600;

refused field_problem(std::string pointer, std::string code, std::string detail) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = pointer + ": " + detail;
    why.errors.push_back({std::move(pointer), std::move(code), std::move(detail)});
    return refused{std::move(why)};
}

/// What POST /rollouts asks for.
struct question {
    std::string service;
    std::optional<json::object> document;
    std::int64_t revision = 0;
    std::vector<unsigned> percents;
    std::int64_t bake_s = 300;
    std::int64_t patience_s = 120;
    bool automatic = true;
};

/// One of 0 (one host) to 100; {"hosts":1} and {"percent":5} are allowed as well.
unsigned read_stage(const json::value& from, const std::string& pointer) {
    const json::value* percent = &from;
    if (const auto* members = from.if_object()) {
        const auto* hosts = members->if_contains("hosts");
        if (hosts && members->size() == 1 && hosts->is_int64() && hosts->get_int64() == 1) return 0;
        percent = members->if_contains("percent");
    }
    if (!percent || !percent->is_int64() || percent->get_int64() < 0 || percent->get_int64() > 100)
        throw field_problem(pointer, "range",
                            "expected a percentage from 0 (one host) to 100, {\"hosts\":1} or "
                            "{\"percent\":5}");
    return static_cast<unsigned>(percent->get_int64());
}

std::vector<unsigned> read_stages(const json::object& body) {
    const auto* given = body.if_contains("stages");
    if (!given) return {fleet::stage_percents.begin(), fleet::stage_percents.end()};
    const auto* list = given->if_array();
    if (!list || list->empty() || list->size() > 20)
        throw field_problem("/stages", "type", "expected a list of 1 to 20 stages");
    std::vector<unsigned> out;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const auto percent = read_stage((*list)[i], "/stages/" + std::to_string(i));
        if (!out.empty() && percent <= out.back())
            throw field_problem("/stages/" + std::to_string(i), "range",
                                "each stage reaches more than the one before");
        out.push_back(percent);
    }
    if (out.back() != 100) throw field_problem("/stages", "range", "the last stage is 100 percent");
    return out;
}

std::int64_t read_seconds(const json::object& body, std::string_view name, std::int64_t usual) {
    const auto* given = body.if_contains(name);
    if (!given) return usual;
    if (!given->is_int64() || given->get_int64() < 0 || given->get_int64() > longest_wait_s)
        throw field_problem("/" + std::string{name}, "range",
                            "expected seconds, at most 604800 (a week)");
    return given->get_int64();
}

void read_service(const json::object& body, question& into) {
    const auto* service = body.if_contains("service");
    if (service && service->is_object()) {
        into.document = service->get_object();
        const auto* name = into.document->if_contains("name");
        if (name && name->is_string()) into.service = name->get_string();
    } else if (service && service->is_string()) {
        into.service = service->get_string();
        const auto* revision = body.if_contains("revision");
        if (!revision || !revision->is_int64() || revision->get_int64() < 1)
            throw field_problem("/revision", revision ? "range" : "missing",
                                "expected the number of a revision of the service");
        into.revision = revision->get_int64();
    } else {
        throw field_problem("/service", service ? "type" : "missing",
                            "expected a service's definition, or its name with `revision`");
    }
    if (!valid_service_name(into.service))
        throw field_problem(into.document ? "/service/name" : "/service", "name",
                            "expected 1 to 64 of a-z A-Z 0-9 . _ -");
}

question read_question(const json::object& body) {
    for (const auto& member : body) {
        const std::string_view key = member.key();
        if (key != "service" && key != "revision" && key != "stages" && key != "bake_s" &&
            key != "patience_s" && key != "automatic") {
            std::string pointer;
            base::append_pointer(pointer, key);
            throw field_problem(pointer, "unknown_field",
                                "allowed: service, revision, stages, bake_s, patience_s, "
                                "automatic, message");
        }
    }
    question out;
    read_service(body, out);
    out.percents = read_stages(body);
    out.bake_s = read_seconds(body, "bake_s", out.bake_s);
    out.patience_s = read_seconds(body, "patience_s", out.patience_s);
    if (const auto* automatic = body.if_contains("automatic")) {
        if (!automatic->is_bool())
            throw field_problem("/automatic", "type", "expected true or false");
        out.automatic = automatic->get_bool();
    }
    return out;
}

/// The definition that is to be rolled out.
asio::awaitable<fleet::service> wanted_definition(parts& with, const exchange& one, question asked,
                                                  const stored_service* before) {
    if (!asked.document) {
        if (read_precondition(one.request).what != precondition::kind::none)
            require_state(one.request, before, asked.service);
        const auto kept = co_await load_revision(with, asked.service, asked.revision);
        co_return definition_of(kept);
    }
    require_state(one.request, before, asked.service);
    try {
        co_return read_definition(asked.service, *asked.document,
                                  before ? &before->value : nullptr);
    } catch (const refused& refusal) {
        auto why = refusal.why();
        for (auto& error : why.errors)
            error.pointer = "/service" + error.pointer;
        why.detail = "/service" + why.detail;
        throw refused{std::move(why)};
    }
}

/// Hosts that are there come first: a rollout that begins with one that is not proves nothing.
std::string first_of(const fleet_state& state, const std::vector<std::string>& hosts,
                     const std::string& id) {
    std::vector<std::string> live;
    for (const auto& host : state.hosts)
        if (host.live && std::ranges::binary_search(hosts, host.name)) live.push_back(host.name);
    return fleet::choose_first(live.empty() ? hosts : live, id);
}

fleet::rollout make_rollout(const exchange& one, const question& asked, const fleet_state& state,
                            fleet::service next, std::int64_t last) {
    fleet::rollout out;
    out.id = ulid(one.now_ms, random_bytes(10));
    out.next = std::move(next);
    out.revision = last + 1;
    const auto found = state.services.find(asked.service);
    if (found != state.services.end()) out.from_revision = last;
    out.bake_s = asked.bake_s;
    out.patience_s = asked.patience_s;
    out.automatic = asked.automatic;
    out.created_ms = one.now_ms;
    out.by = one.who.name;
    out.message = one.message;
    fleet_state with_it;
    with_it.hosts = state.hosts;
    if (found != state.services.end()) with_it.services.insert(*found);
    with_it.rollouts[asked.service].value = out;
    const auto hosts = hosts_of(with_it, asked.service);
    out.first_host = first_of(state, hosts, out.id);
    out.stages = fleet::plan_stages(hosts, asked.percents, out.reached());
    return out;
}

http::response answer(const step_result& step, unsigned status) {
    auto shown = item_json(step.value);
    shown["rendered"] = outcome_json(step.prepared, step.done);
    auto made = json_answer(shown, status);
    made.fields.push_back({"ETag", etag_of(step.mod_revision)});
    return made;
}

void require_scope(const exchange& one, const std::string& service) {
    if (!one.who.covers(service))
        throw refused{403, "scope",
                      "the token '" + one.who.name + "' is not for the service '" + service + "'"};
}

[[noreturn]] void busy() {
    throw refused{409, "busy",
                  "services or hosts kept changing while this was carried out; nothing was "
                  "changed, try again"};
}

/// The step of the active rollout `id` that a person asks for.
using chooser = rollout_step (*)(const fleet::rollout& now);

answering step_by_hand(parts& with, exchange& one, chooser choose) {
    const std::string id{one.request.parameter("id")};
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const auto read = co_await read_rollout(with, id);
        const std::string service = read.value.next.name;
        require_scope(one, service);
        one.target = service;
        auto state = co_await read_fleet(with);
        const auto rolling = state.rollouts.find(service);
        const bool ours = rolling != state.rollouts.end() && rolling->second.value.id == id;
        if (!read.value.active() || !ours)
            throw refused{409, "rollout_ended",
                          "the rollout is " + std::string{fleet::name_of(read.value.state)} +
                              "; nothing can be done with it any more"};
        auto step = choose(rolling->second.value);
        if (step.reason.code.empty()) step.reason = {"person", one.message, {}};
        const auto taken = co_await take_step(with, one, state, service, std::move(step));
        if (!taken) continue;
        if (one.dry_run) {
            auto shown = item_json(taken->value);
            shown["dry_run"] = true;
            shown["plan"] = plan_json(taken->prepared);
            co_return json_answer(shown);
        }
        co_return answer(*taken, 200);
    }
    busy();
}

rollout_step choose_pause(const fleet::rollout&) {
    rollout_step out;
    out.what = rollout_step_kind::pause;
    return out;
}

rollout_step choose_resume(const fleet::rollout&) {
    rollout_step out;
    out.what = rollout_step_kind::resume;
    return out;
}

rollout_step choose_promote(const fleet::rollout& now) {
    rollout_step out;
    out.what = now.last_stage() ? rollout_step_kind::finish : rollout_step_kind::stage;
    out.stage = now.stage + 1;
    return out;
}

rollout_step choose_abort(const fleet::rollout&) {
    rollout_step out;
    out.what = rollout_step_kind::abort;
    return out;
}

bool wanted_state(const http::request& asked, const fleet::rollout& one) {
    const auto state = asked.query("state");
    if (!state || state->empty()) return true;
    if (*state == "active") return one.active();
    return *state == fleet::name_of(one.state);
}

json::object shown(parts& with, const fleet_view* now, const fleet::rollout& one) {
    if (!one.active() || !now) return item_json(one);
    const auto& service = one.next.name;
    const auto hosts = observe(with, now->hosts_of_service(service), now->wanted, service);
    return item_json(one, hosts);
}

}  // namespace

answering create_rollout(parts& with, exchange& one) {
    const auto asked = read_question(one.body);
    one.target = asked.service;
    require_scope(one, asked.service);
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto state = co_await read_fleet(with);
        refuse_rolling(state, asked.service);
        const auto found = state.services.find(asked.service);
        const auto* before = found == state.services.end() ? nullptr : &found->second;
        auto next = co_await wanted_definition(with, one, asked, before);
        const auto last = co_await last_revision(with, asked.service);
        auto made = make_rollout(one, asked, state, std::move(next), last);
        const auto begun = co_await begin_rollout(with, one, state, std::move(made));
        if (!begun) continue;
        if (!one.dry_run) co_return answer(*begun, 201);
        auto shown = item_json(begun->value);
        shown.erase("id");
        shown["dry_run"] = true;
        shown["plan"] = plan_json(begun->prepared);
        co_return json_answer(shown);
    }
    busy();
}

answering list_rollouts(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    const auto service = one.request.query("service");
    etcd::key_range keys{with.keys.rollouts(), true};
    etcd::range_options options;
    options.revision = page.revision;
    options.limit = page.limit;
    options.descending = true;
    if (!page.after.empty()) keys.before = with.keys.rollout(page.after);
    const auto found = co_await with.store.range(keys, options);
    const auto revision = page.revision ? page.revision : found.header.revision;
    std::vector<fleet::rollout> rollouts;
    std::string last;
    for (const auto& entry : found.keys) {
        last = behind(entry.key, keys.key);
        auto read = fleet::parse_rollout(entry.value);
        if (!read || !one.who.covers(read->next.name) || !wanted_state(one.request, *read))
            continue;
        if (service && !service->empty() && *service != read->next.name) continue;
        rollouts.push_back(*std::move(read));
    }
    std::shared_ptr<const fleet_view> now;
    if (std::ranges::any_of(rollouts, &fleet::rollout::active)) now = co_await with.board->look();
    json::array items;
    for (const auto& each : rollouts)
        items.push_back(shown(with, now.get(), each));
    json::object out;
    out["items"] = std::move(items);
    out["next_page_token"] = nullptr;
    if (found.more) out["next_page_token"] = page_token(revision, last);
    co_return json_answer(out);
}

answering show_rollout(parts& with, exchange& one) {
    std::string id{one.request.parameter("id")};
    const auto read = co_await read_rollout(with, std::move(id));
    require_scope(one, read.value.next.name);
    std::shared_ptr<const fleet_view> now;
    if (read.value.active()) now = co_await with.board->look();
    auto item = shown(with, now.get(), read.value);
    item["document"] = fleet::to_json(read.value.next);
    auto made = json_answer(item);
    made.fields.push_back({"ETag", etag_of(read.mod_revision)});
    co_return made;
}

answering list_rollout_hosts(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    std::string id{one.request.parameter("id")};
    const auto read = co_await read_rollout(with, std::move(id));
    const auto& rollout = read.value;
    require_scope(one, rollout.next.name);
    const auto now = co_await with.board->look();
    const auto& service = rollout.next.name;
    // Of one that has ended: the hosts that the service has now.
    const auto hosts = observe(with, now->hosts_of_service(service), now->wanted, service);
    const auto state = one.request.query("state");
    std::vector<std::pair<std::string, json::object>> found;  // by stage, then name
    for (const auto& host : hosts) {
        if (state && !state->empty() && *state != state_in(rollout, host)) continue;
        auto place = std::to_string(100 + rollout.stage_of(host.name)) + ' ' + host.name;
        found.emplace_back(std::move(place), host_json(rollout, host));
    }
    std::ranges::sort(found, {}, &std::pair<std::string, json::object>::first);
    json::object out;
    out["total"] = found.size();
    out["next_page_token"] = nullptr;
    json::array items;
    std::string last;
    for (auto& [place, item] : found) {
        if (place <= page.after) continue;
        if (items.size() == page.limit) {
            out["next_page_token"] = page_token(1, last);
            break;
        }
        last = place;
        items.push_back(std::move(item));
    }
    out["items"] = std::move(items);
    co_return json_answer(out);
}

answering pause_rollout(parts& with, exchange& one) {
    auto made = co_await step_by_hand(with, one, choose_pause);
    co_return made;
}

answering resume_rollout(parts& with, exchange& one) {
    auto made = co_await step_by_hand(with, one, choose_resume);
    co_return made;
}

answering promote_rollout(parts& with, exchange& one) {
    auto made = co_await step_by_hand(with, one, choose_promote);
    co_return made;
}

answering abort_rollout(parts& with, exchange& one) {
    auto made = co_await step_by_hand(with, one, choose_abort);
    co_return made;
}

}  // namespace logagent::web
