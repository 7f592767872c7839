#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "bulk_change.hpp"
#include "endpoint.hpp"
#include "handlers.hpp"
#include "host_failure.hpp"
#include "logagent/base/json.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "token.hpp"

// Forgetting: an agent gives up targets whose key is gone; a host that is gone leaves the
// inventory.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr auto command_life = 60s;
constexpr auto longest_wait = 5s;
constexpr auto between_looks = 100ms;
constexpr int most_attempts = 5;

asio::awaitable<void> pause(std::chrono::steady_clock::duration span) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, span};
    co_await timer.async_wait(asio::use_awaitable);
}

/// The agent's answer to a command; 504 if none comes.
asio::awaitable<json::object> wait_for_result(parts& with, std::string key) {
    const auto deadline = std::chrono::steady_clock::now() + longest_wait;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto found = co_await with.store.get(key);
        const auto state = text_member(found.value, "state");
        if (!state.empty() && state != "accepted" && state != "running") co_return found.value;
        co_await pause(between_looks);
    }
    throw refused{504, "no_answer", "the agent did not answer within 5 s; it may still do so"};
}

answering ask_agent(parts& with, exchange& one, std::string host) {
    const auto id = ulid(one.now_ms, random_bytes(10));
    json::object command;
    command["command"] = "forget";
    command["by"] = one.who.name;
    json::object out;
    out["host"] = host;
    if (one.dry_run) {
        out["dry_run"] = true;
        out["what"] = "the agent would give up targets whose key is gone";
        co_return json_answer(out);
    }
    change what;
    const auto lease = co_await with.store.grant(command_life);
    what.operations.push_back(put(with.keys.command(host, id), json::serialize(command), lease));
    const auto done = co_await with.store.commit(one, std::move(what));
    if (!done) throw refused{409, "busy", "something changed at the same moment, try again"};
    std::string key = with.keys.result(host, id);
    const auto result = co_await wait_for_result(with, std::move(key));
    out["state"] = text_member(result, "state");
    out["text"] = text_member(result, "text");
    co_return json_answer(out);
}

/// Takes a host that is gone out of the inventory, and empties the keys of its addresses.
answering drop_host(parts& with, exchange& one, std::string host, std::int64_t base) {
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto state = co_await read_fleet(with);
        const auto at = std::ranges::find(state.hosts, host, &fleet::host::name);
        fleet::plan_options options;
        options.empty_orphans = true;
        options.repair_drift = true;
        if (at != state.hosts.end()) {
            options.take_over.insert(at->ips.begin(), at->ips.end());
            state.hosts.erase(at);
        }
        auto prepared = co_await prepare(state, options);
        keep_addresses(prepared);
        json::object out;
        out["host"] = host;
        if (one.dry_run) {
            out["dry_run"] = true;
            out["plan"] = plan_json(prepared);
            co_return json_answer(out);
        }
        change what;
        const auto key = with.keys.host(host);
        what.conditions.push_back(unchanged(key, base));
        if (base != 0) what.operations.push_back(remove(key));
        const auto done = co_await carry_out(with, one, prepared, std::move(what));
        if (!done) continue;
        with.hosts.forget(host);
        out["state"] = "done";
        out["text"] = "the host is not in the inventory any more";
        out["rendered"] = outcome_json(prepared, *done);
        co_return json_answer(out);
    }
    throw refused{409, "busy", "hosts or keys kept changing; nothing was changed, try again"};
}

}  // namespace

answering forget_host(parts& with, exchange& one) {
    std::string host{one.request.parameter("host")};
    one.target = host;
    const auto found = with.hosts.all().find(host);
    if (found == with.hosts.all().end())
        throw refused{404, "not_found", "no host of this name is known"};
    if (found->second.online) {
        auto asked = co_await ask_agent(with, one, std::move(host));
        co_return asked;
    }
    const auto base = found->second.known_revision;
    auto dropped = co_await drop_host(with, one, std::move(host), base);
    co_return dropped;
}

}  // namespace logagent::web
