#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "handlers.hpp"
#include "host_commands.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/base/json.hpp"
#include "page.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "token.hpp"

// What agents are asked to do: list files, and send parts of them again.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr auto paths_limit = 10s;
constexpr auto estimate_limit = 30s;
constexpr auto accept_limit = std::chrono::minutes{10};  // for the agent to take a replay up
constexpr auto kept = std::chrono::hours{24 * 7};        // documents of replays

/// Whether a token that is for some services may touch this path: a definition that it covers
/// collects it there, and the lines stay where they belong.
void check_reach(const parts& with, const exchange& one, const std::string& host,
                 const std::string& path) {
    if (one.who.covers_all()) return;
    const auto record = with.hosts.all().find(host);
    const auto known =
        record == with.hosts.all().end() ? std::nullopt : host_registry::host_of(record->second);
    for (const auto& [name, service] : with.services) {
        if (!known || !one.who.covers(name) || !fleet::selects(service.hosts, *known)) continue;
        for (const auto& file : service.files)
            if (base::glob_matches(file.target.log_path, path) && !one.body.contains("topic"))
                return;
    }
    throw refused{403, "scope",
                  "the token '" + one.who.name +
                      "' may send again what its own services collect there, with same_topic only"};
}

std::uint64_t asked_limit(const http::request& asked) {
    const auto text = asked.query("limit").value_or("200");
    if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != text.npos ||
        std::stoul(text) < 1 || std::stoul(text) > 1000)
        throw refused{400, "query", "limit is no number from 1 to 1000"};
    return std::stoul(text);
}

/// What the agent refuses is the fault of who asked.
void refuse_failure(const json::object& answer) {
    const auto* state = answer.if_contains("state");
    if (!state || !state->is_string() || state->get_string() == "done") return;
    const auto* code = answer.if_contains("code");
    const auto* text = answer.if_contains("text");
    throw refused{
        422, code && code->is_string() ? std::string{code->get_string()} : "failed",
        text && text->is_string() ? std::string{text->get_string()} : "the agent could not do it"};
}

asio::awaitable<document> stored_replay(parts& with, exchange& one) {
    const auto key = with.keys.replay(one.request.parameter("id"));
    auto found = co_await with.store.get(key);
    if (found.mod_revision == 0) throw refused{404, "not_found", "there is no replay of this id"};
    co_return found;
}

std::string host_of(const json::object& replay) {
    const auto* host = replay.if_contains("host");
    return host && host->is_string() ? std::string{host->get_string()} : std::string{};
}

/// With what its agent says.
asio::awaitable<json::object> with_answer(parts& with, std::string id, json::object replay) {
    const auto host = host_of(replay);
    etcd::key_range command;
    command.key = with.keys.command(host, id);
    etcd::key_range answer;
    answer.key = with.keys.result(host, id);
    const auto waiting = co_await with.store.range(std::move(command));
    const auto said = co_await with.store.range(std::move(answer));
    json::object read;
    if (!said.keys.empty()) {
        auto parsed = base::parse_json(said.keys.front().value);
        if (parsed && parsed->is_object()) read = std::move(parsed->get_object());
    }
    co_return shown_replay(id, replay, !waiting.keys.empty(), read);
}

}  // namespace

answering list_paths(parts& with, exchange& one) {
    const auto host = one.request.query("host").value_or("");
    json::object arguments;
    arguments["glob"] = one.request.query("glob").value_or("");
    arguments["limit"] = asked_limit(one.request);
    auto value = command_value(instance_of(with, host), "paths", std::move(arguments));
    auto answer = co_await ask_agent(with, host, std::move(value), paths_limit);
    refuse_failure(answer);
    json::object out;
    out["items"] = answer.contains("paths") ? answer["paths"] : json::value(json::array{});
    out["more"] = answer.contains("more") ? answer["more"] : json::value(false);
    co_return json_answer(out);
}

answering create_replay(parts& with, exchange& one) {
    auto arguments = read_replay_arguments(one.body);
    const auto host = host_of(one.body);
    one.target = host;
    const auto instance = instance_of(with, host);
    const std::string path{one.body.at("path").as_string()};
    check_reach(with, one, host, path);
    if (one.dry_run) {
        arguments["dry_run"] = true;
        auto value = command_value(instance, "replay", std::move(arguments));
        auto answer = co_await ask_agent(with, host, std::move(value), estimate_limit);
        refuse_failure(answer);
        json::object out;
        out["dry_run"] = true;
        out["host"] = host;
        out["plan"] = answer.contains("plan") ? answer["plan"] : json::value(nullptr);
        co_return json_answer(out);
    }
    const auto id = ulid(one.now_ms, random_bytes(10));
    json::object replay;
    replay["host"] = host;
    replay["arguments"] = arguments;
    replay["by"] = one.who.name;
    replay["at"] = utc_time(one.now_ms);
    replay["message"] = one.message;
    change what;
    const auto waits = co_await with.store.grant(accept_limit);
    const auto stays = co_await with.store.grant(kept);
    what.operations.push_back(put(with.keys.command(host, id),
                                  command_value(instance, "replay", std::move(arguments)), waits));
    what.operations.push_back(put(with.keys.replay(id), json::serialize(replay), stays));
    what.audit["replay"] = id;
    what.audit["path"] = path;
    auto shown = shown_replay(id, replay, true, {});
    what.answer = json::serialize(shown);
    what.answer_status = 201;
    const auto done = co_await with.store.commit(one, std::move(what));
    if (!done) throw refused{409, "busy", "somebody else used this Idempotency-Key just now"};
    auto made = json_answer(shown, 201);
    made.fields.push_back({"Location", "/api/v1/replays/" + id});
    co_return made;
}

answering list_replays(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    etcd::key_range keys{with.keys.replays(), true};
    etcd::range_options options;
    options.limit = std::min<std::size_t>(page.limit, 100);
    options.descending = true;
    if (!page.after.empty()) keys.before = with.keys.replay(page.after);
    const auto found = co_await with.store.range(keys, options);
    json::array items;
    std::string last;
    for (const auto& entry : found.keys) {
        last = behind(entry.key, keys.key);
        auto parsed = base::parse_json(entry.value);
        if (!parsed || !parsed->is_object()) continue;
        auto shown = co_await with_answer(with, last, std::move(parsed->get_object()));
        items.push_back(std::move(shown));
    }
    json::object out;
    out["items"] = std::move(items);
    out["next_page_token"] =
        found.more ? json::value(json::string{page_token(1, last)}) : json::value(nullptr);
    co_return json_answer(out);
}

answering show_one_replay(parts& with, exchange& one) {
    auto found = co_await stored_replay(with, one);
    std::string id{one.request.parameter("id")};
    auto shown = co_await with_answer(with, std::move(id), std::move(found.value));
    co_return json_answer(shown);
}

answering cancel_replay(parts& with, exchange& one) {
    const std::string id{one.request.parameter("id")};
    auto found = co_await stored_replay(with, one);
    const auto host = host_of(found.value);
    one.target = host;
    const auto* arguments = found.value.if_contains("arguments");
    const auto* path =
        arguments && arguments->is_object() ? arguments->get_object().if_contains("path") : nullptr;
    if (path && path->is_string()) check_reach(with, one, host, std::string{path->get_string()});
    auto before = co_await with_answer(with, id, found.value);
    const auto& state = before.at("state").as_string();
    if (state == "done" || state == "failed" || state == "cancelled" || state == "expired")
        throw refused{409, "over", "this replay is over: " + std::string{state}};
    if (one.dry_run) co_return json_answer(before);
    auto replay = found.value;
    replay["cancelled"] = utc_time(one.now_ms);
    change what;
    const auto stays = co_await with.store.grant(kept);
    what.conditions.push_back(unchanged(with.keys.replay(id), found.mod_revision));
    // That its key goes is what tells the agent.
    what.operations.push_back(remove(with.keys.command(host, id)));
    what.operations.push_back(put(with.keys.replay(id), json::serialize(replay), stays));
    what.audit["replay"] = id;
    const auto done = co_await with.store.commit(one, std::move(what));
    if (!done) throw refused{409, "busy", "somebody else has just cancelled it"};
    auto shown = co_await with_answer(with, id, std::move(replay));
    co_return json_answer(shown);
}

}  // namespace logagent::web
