#include "rollout_driver.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "fleet_board.hpp"
#include "logagent/base/log.hpp"
#include "problem.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

const endpoint advancing{"", "", needs::nobody, content::none, "rollout.stage", false, nullptr};
const endpoint finishing{"", "", needs::nobody, content::none, "rollout.finish", false, nullptr};
const endpoint pausing{"", "", needs::nobody, content::none, "rollout.pause", false, nullptr};
const endpoint aborting{"", "", needs::nobody, content::none, "rollout.abort", false, nullptr};

/// The step that a decision stands for, and what the audit calls it.
rollout_step step_of(const fleet::rollout_decision& decided, const fleet::rollout& now,
                     exchange& one) {
    rollout_step out;
    out.reason = decided.why;
    one.message = decided.why.detail;
    switch (decided.move) {
        case fleet::rollout_move::advance:
            one.asked = &advancing;
            one.message = now.message;
            out.what = rollout_step_kind::stage;
            out.stage = now.stage + 1;
            break;
        case fleet::rollout_move::finish:
            one.asked = &finishing;
            one.message = now.message;
            // The revision is that of who began the rollout.
            one.who.name = now.by;
            out.what = rollout_step_kind::finish;
            break;
        case fleet::rollout_move::abort:
            one.asked = &aborting;
            out.what = rollout_step_kind::abort;
            break;
        default:
            one.asked = &pausing;
            out.what = rollout_step_kind::pause;
    }
    return out;
}

}  // namespace

asio::awaitable<void> rollout_driver::look(std::int64_t now_ms) {
    const etcd::key_range locks{with_.keys.rolling(), true};
    const auto found = co_await with_.store.range(locks);
    for (const auto& lock : found.keys) {
        std::string service{behind(lock.key, locks.key)};
        std::string failure;
        try {
            co_await look_at(service, lock.value, now_ms);
        } catch (const refused& why) {
            failure = why.what();
        }
        if (!failure.empty())
            LOGAGENT_LOG(warn, "web.rollout", "the rollout of '" << service << "': " << failure);
    }
}

asio::awaitable<void> rollout_driver::look_at(std::string service, std::string id,
                                              std::int64_t now_ms) {
    const auto read = co_await read_rollout(with_, std::move(id));
    if (read.value.state != fleet::rollout_state::running) co_return;
    const auto view = co_await with_.board->look();
    const auto rolling = view->state.rollouts.find(service);
    if (rolling == view->state.rollouts.end() || !view->broken.empty()) co_return;
    // The board is of another moment: the next look is at the same one.
    if (rolling->second.mod_revision != read.mod_revision) co_return;
    const auto hosts = observe(with_, view->hosts_of_service(service), view->wanted, service);
    auto decided = fleet::decide(read.value, hosts, now_ms);
    if (decided.move == fleet::rollout_move::wait) co_return;
    if (decided.move == fleet::rollout_move::settle)
        co_await settle(read, now_ms);
    else
        co_await act(std::move(service), read.mod_revision, std::move(decided), now_ms);
}

asio::awaitable<void> rollout_driver::settle(read_rollout_result read, std::int64_t now_ms) {
    read.value.settled_ms = now_ms;
    // No audit: it is only noted that the hosts have answered.
    etcd::txn_request request;
    const auto key = with_.keys.rollout(read.value.id);
    request.conditions.push_back(unchanged(key, read.mod_revision));
    request.then.push_back(put(key, json::serialize(fleet::to_json(read.value))));
    auto done = co_await with_.store.etcd().txn(std::move(request));
    if (!done) throw refused{503, "etcd_unavailable", done.error().text};
}

asio::awaitable<void> rollout_driver::act(std::string service, std::int64_t decided_at,
                                          fleet::rollout_decision decided, std::int64_t now_ms) {
    auto state = co_await read_fleet(with_);
    const auto rolling = state.rollouts.find(service);
    if (rolling == state.rollouts.end() || !rolling->second.broken.empty()) co_return;
    // Decided about another state of the rollout: the next look is about this one.
    if (rolling->second.mod_revision != decided_at) co_return;
    const auto id = rolling->second.value.id;
    exchange one;
    one.now_ms = now_ms;
    one.target = service;
    one.who.name = "web";
    auto step = step_of(decided, rolling->second.value, one);
    std::string conflict;
    bool done = false;
    try {
        const auto taken = co_await take_step(with_, one, state, service, std::move(step));
        done = taken.has_value();
    } catch (const refused& why) {
        if (why.why().code != "plan_errors") throw;
        conflict = why.what();
    }
    if (!conflict.empty()) {
        decided.move = fleet::rollout_move::pause;
        decided.why = {"conflict", conflict, {}};
        state = co_await read_fleet(with_);
        if (!state.rollouts.contains(service)) co_return;
        auto pause = step_of(decided, state.rollouts.at(service).value, one);
        const auto paused = co_await take_step(with_, one, state, service, std::move(pause));
        done = paused.has_value();
    }
    if (done)
        LOGAGENT_LOG(info, "web.rollout",
                     one.asked->change << " " << id << " of service '" << service << "'"
                                       << (decided.why.detail.empty() ? "" : ": ")
                                       << decided.why.detail);
}

}  // namespace logagent::web
