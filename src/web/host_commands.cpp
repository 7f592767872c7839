#include "host_commands.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "logagent/base/json.hpp"
#include "logagent/os/clock.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "token.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto first_look = 50ms;
constexpr auto longest_look = 400ms;

constexpr std::string_view replay_arguments[] = {
    "path", "generation", "offset", "since", "until", "last", "topic", "same_topic", "rate"};

bool is_final(const json::object& answer) {
    const auto* state = answer.if_contains("state");
    return state && state->is_string() &&
           (state->get_string() == "done" || state->get_string() == "failed");
}

/// The answer as it stands; empty = none, or not the last one.
asio::awaitable<json::object> last_answer(parts& with, std::string key) {
    etcd::key_range keys;
    keys.key = std::move(key);
    const auto found = co_await with.store.range(std::move(keys));
    if (found.keys.empty()) co_return json::object{};
    auto parsed = base::parse_json(found.keys.front().value);
    if (!parsed || !parsed->is_object() || !is_final(parsed->get_object()))
        co_return json::object{};
    co_return std::move(parsed->get_object());
}

/// Best effort: the lease ends what is left.
asio::awaitable<void> clear(parts& with, std::string command, std::string answer) {
    etcd::txn_request request;
    request.then.push_back(remove(std::move(command)));
    request.then.push_back(remove(std::move(answer)));
    [[maybe_unused]] auto done = co_await with.store.etcd().txn(std::move(request));
}

}  // namespace

std::string command_value(const std::string& instance, std::string_view name,
                          json::object arguments) {
    json::object out;
    if (!instance.empty()) out["instance"] = instance;
    out["command"] = name;
    out["arguments"] = std::move(arguments);
    return json::serialize(out);
}

std::string instance_of(const parts& with, const std::string& host) {
    const auto found = with.hosts.all().find(host);
    if (found == with.hosts.all().end())
        throw refused{404, "not_found", "no host of this name has a status"};
    if (!found->second.online)
        throw refused{409, "host_offline",
                      "the agent of " + host + " is not there; it would not answer"};
    return found->second.reported ? found->second.reported->instance : std::string{};
}

asio::awaitable<json::object> ask_agent(parts& with, std::string host, std::string value,
                                        std::chrono::seconds limit) {
    const auto id = ulid(os::wall_ms(), random_bytes(10));
    const auto command = with.keys.command(host, id);
    const auto answer = with.keys.result(host, id);
    // A command that comes too late must not be carried out for nobody.
    const auto lease = co_await with.store.grant(limit + 5s);
    auto stored = co_await with.store.etcd().put(command, std::move(value), lease);
    if (!stored)
        throw refused{503, "etcd_unavailable", stored.error().text + "; nothing was asked"};
    asio::steady_timer timer{co_await asio::this_coro::executor};
    const auto deadline = steady::now() + limit;
    auto pause = std::chrono::milliseconds{first_look};
    json::object found;
    while (found.empty() && steady::now() < deadline) {
        timer.expires_after(pause);
        co_await timer.async_wait(asio::use_awaitable);
        pause = std::min(pause * 2, std::chrono::milliseconds{longest_look});
        found = co_await last_answer(with, answer);
    }
    co_await clear(with, command, answer);
    if (found.empty())
        throw refused{504, "no_answer",
                      "the agent of " + host + " has not answered within " +
                          std::to_string(limit.count()) + " s"};
    co_return found;
}

json::object shown_replay(const std::string& id, const json::object& document, bool command_stands,
                          const json::object& answer) {
    json::object out;
    out["id"] = id;
    for (const auto name : {"host", "arguments", "by", "at", "message"})
        if (const auto* member = document.if_contains(name)) out[name] = *member;
    const bool cancelled = document.contains("cancelled");
    std::string state = command_stands ? "sent" : cancelled ? "cancelled" : "expired";
    if (const auto* said = answer.if_contains("state"); said && said->is_string())
        state = said->get_string().c_str();
    const auto* code = answer.if_contains("code");
    if (state == "failed" && code && code->is_string() && code->get_string() == "cancelled")
        state = "cancelled";
    out["state"] = state;
    for (const auto name :
         {"code", "text", "plan", "progress", "accepted", "started", "ended", "updated"})
        if (const auto* member = answer.if_contains(name)) out[name] = *member;
    return out;
}

json::object read_replay_arguments(const json::object& body) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    json::object out;
    for (const auto& member : body) {
        if (member.key() == "host") continue;
        if (std::ranges::find(replay_arguments, std::string_view{member.key()}) !=
            std::end(replay_arguments))
            out[member.key()] = member.value();
        else
            why.errors.push_back({"/" + std::string{member.key()}, "unknown_field",
                                  "allowed: host, path, generation, offset, since, until, last, "
                                  "topic, same_topic, rate, message"});
    }
    const auto* path = body.if_contains("path");
    if (!path || !path->is_string() || !path->get_string().starts_with('/'))
        why.errors.push_back({"/path", path ? "type" : "missing", "expected an absolute path"});
    const auto* host = body.if_contains("host");
    if (!host || !host->is_string() || host->get_string().empty())
        why.errors.push_back({"/host", host ? "type" : "missing", "expected the name of a host"});
    const int parts = int{body.contains("offset")} + int{body.contains("last")} +
                      int{body.contains("since") || body.contains("until")};
    if (parts != 1)
        why.errors.push_back({"", "part", "one of offset, last, and since with until is needed"});
    const auto* same = body.if_contains("same_topic");
    const bool to_same = same && same->is_bool() && same->get_bool();
    if (to_same == body.contains("topic"))
        why.errors.push_back({"/topic", "target", "either topic, or same_topic: true"});
    if (why.errors.empty()) return out;
    why.detail = why.errors.front().pointer + ": " + why.errors.front().detail;
    throw refused{std::move(why)};
}

}  // namespace logagent::web
