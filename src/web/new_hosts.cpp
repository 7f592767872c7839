#include "new_hosts.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>
#include <utility>

#include "apply.hpp"
#include "endpoint.hpp"
#include "logagent/base/log.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t hosts_a_step = 100;  // in one transaction

const endpoint rendering_hosts{"",    "",     needs::nobody, content::none, "hosts.render",
                               false, nullptr};

using identities = std::set<std::pair<std::string, std::string>>;

/// What one host gains and loses, over all its keys.
struct balance {
    identities added;
    identities removed;
    bool changed = false;

    bool only_gains() const {
        return !changed && !added.empty() &&
               std::includes(added.begin(), added.end(), removed.begin(), removed.end());
    }
};

/// Hosts whose document is not what their agents say by now, at most hosts_a_step of them, in the
/// order of their names behind `after`, which moves on.
change learned_hosts(parts& with, std::string& after) {
    change out;
    const auto& all = with.hosts.all();
    for (auto at = all.upper_bound(after); at != all.end(); ++at) {
        if (out.operations.size() == hosts_a_step) break;
        const auto& record = at->second;
        after = at->first;
        const auto now = host_registry::host_of(record);
        if (!record.reported || !now) continue;
        // An agent tells of its addresses only.
        if (record.known && record.known->ips == now->ips &&
            record.known->primary_ip == now->primary_ip)
            continue;
        auto text = json::serialize(fleet::to_json(*now));
        const auto key = with.keys.host(now->name);
        out.conditions.push_back(unchanged(key, record.known_revision));
        out.operations.push_back(put(key, std::move(text)));
    }
    return out;
}

}  // namespace

void keep_additions(fleet::plan& plan) {
    std::map<std::string, balance> hosts;
    for (const auto& key : plan.writes) {
        auto& one = hosts[key.host];
        for (const auto index : key.changes) {
            const auto& entry = plan.changes[index].change;
            one.changed = one.changed || entry.kind == fleet::change_kind::changed;
            auto& side = entry.kind == fleet::change_kind::added ? one.added : one.removed;
            side.emplace(entry.log_path, entry.topic);
        }
    }
    std::erase_if(plan.writes, [&](const fleet::planned_key& key) {
        return key.host.empty() || !hosts[key.host].only_gains();
    });
}

void keep_additions(prepared_plan& prepared) {
    keep_additions(prepared.plan);
    prepared.additions_only = true;
}

asio::awaitable<bool> serve_new_hosts(parts& with, std::int64_t now_ms) {
    exchange one;
    one.asked = &rendering_hosts;
    one.now_ms = now_ms;
    one.who.name = "web";
    one.message = "hosts came or moved";
    bool any = false;
    std::string after;
    auto learned = learned_hosts(with, after);
    while (!learned.operations.empty()) {
        any = true;
        // No audit: nothing that people decided has changed. A condition that does not hold means
        // that another process was faster.
        etcd::txn_request request;
        request.conditions = std::move(learned.conditions);
        request.then = std::move(learned.operations);
        auto stored = co_await with.store.etcd().txn(std::move(request));
        if (!stored) throw refused{503, "etcd_unavailable", stored.error().text};
        learned = learned_hosts(with, after);
    }
    // The watch brings the documents, and with them the next turn.
    if (any) co_return false;
    const auto state = co_await read_fleet(with);
    const fleet::plan_options options;
    auto prepared = co_await prepare(state, options);
    keep_additions(prepared);
    if (prepared.plan.writes.empty()) co_return true;
    const auto count = prepared.plan.writes.size();
    change nothing_more;
    const auto done = co_await carry_out(with, one, prepared, std::move(nothing_more));
    if (!done || !done->failed.empty()) co_return false;
    LOGAGENT_LOG(info, "web.new_hosts", "wrote " << count << " keys of hosts that came or moved");
    co_return true;
}

}  // namespace logagent::web
