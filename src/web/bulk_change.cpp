#include "bulk_change.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "problem.hpp"
#include "service_change.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t services_a_step = 20;  // each takes three of the 128 conditions
constexpr std::size_t hosts_a_step = 40;
constexpr int most_attempts = 5;

/// Services one after another, some in one transaction.
class service_bulk {
public:
    service_bulk(parts& with, exchange& one, wanted_services wanted)
        : with_{with}, one_{one}, wanted_{std::move(wanted)} {}

    asio::awaitable<bulk_outcome> run() {
        if (one_.dry_run) {
            co_await rehearse();
            co_return std::move(out_);
        }
        std::size_t step = services_a_step;
        int attempts = 0;
        while (!wanted_.empty()) {
            auto state = co_await read_fleet(with_);
            auto edits = next_edits(state, step);
            if (edits.empty()) continue;
            std::optional<problem> why;
            bool done = false;
            try {
                done = co_await write(state, edits);
            } catch (const refused& refusal) {
                why = refusal.why();
            }
            if (why && why->status >= 500) throw refused{*std::move(why)};
            if (done || (why && edits.size() == 1) || ++attempts > most_attempts) {
                note(edits, done, why ? why->detail : "it was changed again and again meanwhile");
                step = services_a_step;
                attempts = 0;
            } else if (why) {
                step = 1;  // one of them is at fault: each alone
            }
        }
        co_return std::move(out_);
    }

private:
    /// What is to be written next; what needs nothing is noted and left out.
    std::vector<service_change> next_edits(const fleet_state& state, std::size_t most) {
        std::vector<service_change> out;
        for (auto at = wanted_.begin(); at != wanted_.end() && out.size() < most;) {
            auto edit = edit_of(state, at->first, at->second);
            if (edit) {
                out.push_back(*std::move(edit));
                ++at;
            } else {
                at = wanted_.erase(at);
            }
        }
        return out;
    }

    std::optional<service_change> edit_of(const fleet_state& state, const std::string& name,
                                          const std::optional<fleet::service>& next) {
        const auto found = state.services.find(name);
        const bool known = found != state.services.end();
        const bool same =
            known ? next && found->second.broken.empty() && found->second.value == *next : !next;
        if (same) {
            out_.items.push_back({"service", name, "unchanged", ""});
            return std::nullopt;
        }
        if (const auto rolling = state.rollouts.find(name); rolling != state.rollouts.end()) {
            out_.items.push_back(
                {"service", name, "failed", "it is in the rollout " + rolling->second.value.id});
            return std::nullopt;
        }
        service_change edit;
        edit.name = name;
        edit.base = known ? found->second.mod_revision : 0;
        edit.next = next;
        return edit;
    }

    /// False: something has changed meanwhile.
    asio::awaitable<bool> write(fleet_state& state, std::vector<service_change>& edits) {
        change what;
        json::object revisions;
        std::vector<std::string> names;
        for (auto& edit : edits) {
            edit.number = 1 + co_await last_revision(with_, edit.name);
            add_change(with_, one_, edit, what);
            replace(state, edit);
            names.push_back(edit.name);
            revisions[edit.name] = edit.number;
        }
        const fleet::plan_options options;
        const auto prepared = co_await prepare(state, options);
        refuse_errors(prepared, names);
        what.audit["revisions"] = std::move(revisions);
        const auto done = co_await carry_out(with_, one_, prepared, std::move(what));
        if (!done) co_return false;
        out_.written += done->written.size();
        co_return true;
    }

    void note(const std::vector<service_change>& edits, bool done, const std::string& why) {
        for (const auto& edit : edits) {
            bulk_item item{"service", edit.name, result_of(edit), ""};
            if (!done) item = {"service", edit.name, "failed", why};
            out_.items.push_back(std::move(item));
            wanted_.erase(edit.name);
        }
    }

    static std::string result_of(const service_change& edit) {
        return !edit.next ? "deleted" : edit.base == 0 ? "created" : "changed";
    }

    /// What would be done, all at once.
    asio::awaitable<void> rehearse() {
        auto state = co_await read_fleet(with_);
        const auto edits = next_edits(state, wanted_.size());
        for (const auto& edit : edits) {
            replace(state, edit);
            out_.items.push_back({"service", edit.name, result_of(edit), ""});
        }
        const fleet::plan_options options;
        const auto prepared = co_await prepare(state, options);
        out_.plan = plan_json(prepared);
    }

    parts& with_;
    exchange& one_;
    wanted_services wanted_;
    bulk_outcome out_;
};

/// The document of one host, as it is to be stored.
struct host_edit {
    std::string name;
    std::int64_t base = 0;  // mod_revision of what it replaces
    std::optional<fleet::host> next;
};

/// Documents that really change; notes one result for each that is wanted.
std::vector<host_edit> host_edits(const parts& with, const wanted_hosts& wanted,
                                  std::vector<bulk_item>& items) {
    std::vector<host_edit> out;
    for (const auto& [name, next] : wanted) {
        const auto found = with.hosts.all().find(name);
        const auto* record = found == with.hosts.all().end() ? nullptr : &found->second;
        const bool known = record && record->known;
        const bool same = known ? next && json::serialize(fleet::to_json(*record->known)) ==
                                              json::serialize(fleet::to_json(*next))
                                : !next;
        if (same) {
            items.push_back({"host", name, "unchanged", ""});
            continue;
        }
        items.push_back({"host", name, !next ? "deleted" : known ? "changed" : "created", ""});
        out.push_back({name, record ? record->known_revision : 0, next});
    }
    return out;
}

void add_host(const parts& with, const host_edit& edit, change& to) {
    auto key = with.keys.host(edit.name);
    to.conditions.push_back(unchanged(key, edit.base));
    to.operations.push_back(edit.next ? put(key, json::serialize(fleet::to_json(*edit.next)))
                                      : remove(key));
}

void replace_host(fleet_state& state, const host_edit& edit) {
    const auto at = std::ranges::find(state.hosts, edit.name, &fleet::host::name);
    if (!edit.next) {
        if (at != state.hosts.end() && !at->live) state.hosts.erase(at);
        return;
    }
    const bool live = at != state.hosts.end() && at->live;
    if (at == state.hosts.end())
        state.hosts.push_back(*edit.next);
    else
        *at = *edit.next;
    auto& placed = at == state.hosts.end() ? state.hosts.back() : *at;
    placed.live = live;
}

/// All documents but the last few, which go with the audit record and the first keys. False: one of
/// them was changed meanwhile.
asio::awaitable<bool> store_most(parts& with, const std::vector<host_edit>& edits,
                                 std::size_t& stored) {
    while (edits.size() - stored > hosts_a_step) {
        change some;
        for (std::size_t i = 0; i < hosts_a_step; ++i)
            add_host(with, edits[stored + i], some);
        etcd::txn_request request;
        request.conditions = std::move(some.conditions);
        request.then = std::move(some.operations);
        auto done = co_await with.store.etcd().txn(std::move(request));
        if (!done) throw refused{503, "etcd_unavailable", done.error().text};
        if (!done->succeeded) co_return false;
        stored += hosts_a_step;
    }
    co_return true;
}

}  // namespace

bool bulk_outcome::any_failed() const {
    return std::ranges::any_of(items, [](const bulk_item& one) { return one.result == "failed"; });
}

json::object to_json(const bulk_outcome& from, bool dry_run) {
    json::object out;
    json::array items;
    for (const auto& item : from.items) {
        json::object one;
        one["kind"] = item.kind;
        one["name"] = item.name;
        one["result"] = item.result;
        one["detail"] = item.detail;
        items.push_back(std::move(one));
    }
    out["items"] = std::move(items);
    out["written"] = from.written;
    if (dry_run) {
        out["dry_run"] = true;
        out["plan"] = from.plan;
    }
    return out;
}

asio::awaitable<bulk_outcome> change_services(parts& with, exchange& one, wanted_services wanted) {
    service_bulk bulk{with, one, std::move(wanted)};
    auto out = co_await bulk.run();
    co_return out;
}

asio::awaitable<bulk_outcome> change_hosts(parts& with, exchange& one, wanted_hosts wanted) {
    std::size_t stored = 0;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        bulk_outcome out;
        const auto edits = host_edits(with, wanted, out.items);
        stored = 0;
        auto state = co_await read_fleet(with);
        for (const auto& edit : edits)
            replace_host(state, edit);
        const fleet::plan_options options;
        const auto prepared = co_await prepare(state, options);
        if (one.dry_run) {
            out.plan = plan_json(prepared);
            co_return out;
        }
        const auto kept = co_await store_most(with, edits, stored);
        if (!kept) continue;
        change what;
        for (auto i = stored; i < edits.size(); ++i)
            add_host(with, edits[i], what);
        what.audit["hosts"] = edits.size();
        const auto done = co_await carry_out(with, one, prepared, std::move(what));
        if (!done) continue;
        out.written = done->written.size();
        co_return out;
    }
    throw refused{409, "busy",
                  "hosts kept changing while this was carried out; " + std::to_string(stored) +
                      " of them were stored, try again"};
}

}  // namespace logagent::web
