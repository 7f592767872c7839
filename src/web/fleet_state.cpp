#include "fleet_state.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/base/log.hpp"
#include "logagent/fleet/address.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "problem.hpp"
#include "service_document.hpp"
#include "token.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t most_listed = 100;
constexpr std::size_t most_planned = 1000;
constexpr std::size_t keys_a_slice = 200;
constexpr std::size_t note_bytes = 160;  // of a key that remembers what was rendered
constexpr std::string_view key_end = "/logconfig";

stored_service read_stored(const etcd::key_value& entry, std::string_view name) {
    stored_service out;
    out.mod_revision = entry.mod_revision;
    auto parsed = base::parse_json(entry.value);
    if (!parsed || !parsed->is_object()) {
        out.broken = parsed ? "it is no JSON object" : base::describe(parsed.error());
        return out;
    }
    out.document = std::move(parsed->get_object());
    auto definition = out.document;
    strip_server_fields(definition, name);
    auto read = fleet::parse_stored_service(json::serialize(definition));
    if (!read.errors.empty())
        out.broken = read.errors.front().pointer + ": " + read.errors.front().text;
    out.value = std::move(read.value);
    return out;
}

/// The address that a key of the form <prefix><address>/logconfig is for; "" for any other key.
std::string address_of(std::string_view key, std::string_view prefix) {
    const auto rest = behind(key, prefix);
    if (!rest.ends_with(key_end)) return {};
    const auto parsed = fleet::parse_address(rest.substr(0, rest.size() - key_end.size()));
    // Written in another form than to_text() it is a key that no agent of ours reads.
    if (!parsed || fleet::logconfig_key(prefix, fleet::to_text(*parsed)) != key) return {};
    return fleet::to_text(*parsed);
}

/// The parts of our key space that hold no "_meta" and the like, which would be much to read.
std::vector<etcd::key_range> key_parts(const std::string& prefix) {
    etcd::key_range before{prefix, true};
    before.before = prefix + "_";
    etcd::key_range behind_them{prefix, true};
    behind_them.after = prefix + "_\xff";
    return {before, behind_them};
}

json::array keys_json(const std::vector<fleet::planned_key>& keys, bool with_reason) {
    json::array out;
    for (const auto& key : keys) {
        if (out.size() == most_listed) break;
        json::object one;
        one["host"] = key.host;
        one["address"] = key.address;
        if (with_reason) one["reason"] = fleet::name_of(key.held);
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

asio::awaitable<fleet_state> read_fleet(parts& with) {
    fleet_state out;
    etcd::range_options pinned;
    etcd::key_range services{with.keys.services(), true};
    const auto found = co_await with.store.range(services);
    out.revision = found.header.revision;
    pinned.revision = out.revision;
    for (const auto& entry : found.keys) {
        const std::string name{behind(entry.key, services.key)};
        out.services.emplace(name, read_stored(entry, name));
    }
    std::map<std::string, fleet::key_state> keys;
    for (const auto& part : key_parts(with.keys.prefix())) {
        const auto read = co_await with.store.range(part, pinned);
        for (const auto& entry : read.keys) {
            const auto address = address_of(entry.key, with.keys.prefix());
            if (address.empty()) continue;
            auto& key = keys[address];
            key.value = entry.value;
            key.mod_revision = entry.mod_revision;
        }
    }
    etcd::key_range notes{with.keys.rendered(), true};
    const auto noted = co_await with.store.range(notes, pinned);
    for (const auto& entry : noted.keys)
        keys[std::string{behind(entry.key, notes.key)}].rendered = entry.value;
    for (auto& [address, key] : keys) {
        key.address = address;
        out.keys.push_back(std::move(key));
    }
    out.hosts = with.hosts.inventory();
    co_return out;
}

asio::awaitable<prepared_plan> prepare(const fleet_state& state, fleet::plan_options options) {
    std::vector<fleet::service_state> services;
    for (const auto& [name, stored] : state.services) {
        if (!stored.broken.empty())
            throw refused{409, "broken_service",
                          "the stored service '" + base::visible(name, 80) +
                              "' cannot be read, so nothing is rendered: " +
                              base::visible(stored.broken, 300) + "; put it again or delete it"};
        services.push_back({stored.value, std::nullopt});
    }
    fleet::host_index hosts{state.hosts};
    prepared_plan out;
    out.wanted = fleet::render(services, hosts);
    fleet::planning slices{out.wanted, hosts, state.keys, std::move(options)};
    while (slices.advance(keys_a_slice))
        co_await asio::post(asio::use_awaitable);
    out.plan = slices.finish();
    co_return out;
}

void refuse_errors(const prepared_plan& prepared, const std::vector<std::string>& services) {
    problem why;
    why.status = 409;
    why.code = "plan_errors";
    for (const auto& error : prepared.plan.errors) {
        const bool concerns = std::ranges::any_of(error.services, [&](const std::string& name) {
            return std::ranges::find(services, name) != services.end();
        });
        if (concerns && (error.code == "conflict" || error.code == "limit"))
            why.errors.push_back({"", error.code, error.text});
    }
    if (why.errors.empty()) return;
    why.detail = why.errors.front().detail;
    throw refused{std::move(why)};
}

asio::awaitable<std::optional<carried_out>> carry_out(parts& with, exchange& one,
                                                      const prepared_plan& prepared, change what) {
    const auto& plan = prepared.plan;
    const auto& prefix = with.keys.prefix();
    fleet::transaction_limits limits;
    limits.operations_each = 2;
    limits.bytes_each = note_bytes;
    // The audit record, and an answer kept for an Idempotency-Key.
    limits.operations_kept = std::max(what.operations.size(), what.conditions.size()) + 2;
    limits.bytes_kept = 16 << 10;
    for (const auto& operation : what.operations)
        limits.bytes_kept += operation.keys.key.size() * 2 + operation.value.size() + 64;
    limits.bytes_kept += what.answer.size();
    const auto batches = fleet::split(plan, prefix, limits);
    const auto add = [&](const fleet::key_batch& batch, std::vector<etcd::compare>& conditions,
                         std::vector<etcd::operation>& operations) {
        const auto writes = fleet::writes_of(plan, prepared.wanted, prefix, batch);
        for (std::size_t i = 0; i < writes.size(); ++i) {
            const auto& address = plan.writes[batch.first + i].address;
            conditions.push_back(unchanged(writes[i].key, writes[i].mod_revision));
            operations.push_back(put(writes[i].key, writes[i].value));
            operations.push_back(
                put(with.keys.rendered(address), fleet::content_hash(writes[i].value)));
        }
    };
    carried_out out;
    const auto note = [&](const fleet::key_batch& batch, bool good) {
        auto& list = good ? out.written : out.failed;
        list.insert(list.end(), plan.writes.begin() + static_cast<std::ptrdiff_t>(batch.first),
                    plan.writes.begin() + static_cast<std::ptrdiff_t>(batch.last));
    };
    if (!batches.empty()) add(batches.front(), what.conditions, what.operations);
    what.audit["hosts_to_write"] = plan.writes.size();
    const auto revision = co_await with.store.commit(one, std::move(what));
    if (!revision) co_return std::nullopt;
    out.revision = *revision;
    if (!batches.empty()) note(batches.front(), true);
    for (std::size_t i = 1; i < batches.size(); ++i) {
        etcd::txn_request request;
        add(batches[i], request.conditions, request.then);
        auto written = co_await with.store.etcd().txn(std::move(request));
        if (!written) LOGAGENT_LOG(warn, "web.apply", written.error().text);
        note(batches[i], written && written->succeeded);
    }
    co_return out;
}

json::object outcome_json(const prepared_plan& prepared, const carried_out& done) {
    auto summary = fleet::summary_json(prepared.plan);
    json::object out;
    out["written"] = done.written.size();
    out["unchanged"] = prepared.plan.unchanged;
    out["held"] = keys_json(prepared.plan.held, true);
    out["failed"] = keys_json(done.failed, false);
    for (const auto* name : {"errors", "warnings"})
        if (const auto* list = summary.if_contains(name)) out[name] = *list;
    return out;
}

json::object plan_json(const prepared_plan& prepared) {
    const auto& plan = prepared.plan;
    auto out = fleet::summary_json(plan);
    json::array hosts;
    for (const auto* list : {&plan.writes, &plan.held})
        for (const auto& key : *list)
            if (hosts.size() < most_planned) hosts.push_back(fleet::to_json(key, plan));
    out["hosts_omitted"] = plan.writes.size() + plan.held.size() - hosts.size();
    out["hosts"] = std::move(hosts);
    return out;
}

std::string digest_of(const prepared_plan& prepared) {
    std::string text;
    for (const auto& key : prepared.plan.writes) {
        text += key.address + ' ' + std::to_string(key.mod_revision) + ' ';
        text += fleet::content_hash(fleet::value_of(key, prepared.wanted)) + '\n';
    }
    return sha256_hex(text);
}

}  // namespace logagent::web
