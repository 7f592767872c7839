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

constexpr std::size_t most_planned = 1000;
constexpr std::size_t keys_a_slice = 200;
constexpr std::size_t work_a_slice = 100'000;  // of a rendering: some milliseconds
constexpr std::size_t services_a_slice = 50;
constexpr std::size_t read_keys_a_slice = 1000;
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

}  // namespace

namespace {

/// The rollouts that services are in, at the revision of the state.
asio::awaitable<void> read_rollouts(parts& with, fleet_state& into) {
    etcd::range_options pinned;
    pinned.revision = into.revision;
    const etcd::key_range locks{with.keys.rolling(), true};
    const auto found = co_await with.store.range(locks, pinned);
    for (const auto& lock : found.keys) {
        auto& one = into.rollouts[std::string{behind(lock.key, locks.key)}];
        one.lock_revision = lock.mod_revision;
        const etcd::key_range document{with.keys.rollout(lock.value)};
        const auto read = co_await with.store.range(document, pinned);
        if (read.keys.empty()) {
            one.broken = "its document is gone";
            continue;
        }
        one.mod_revision = read.keys.front().mod_revision;
        auto parsed = fleet::parse_rollout(read.keys.front().value);
        if (parsed)
            one.value = *std::move(parsed);
        else
            one.broken = base::describe(parsed.error());
    }
}

}  // namespace

asio::awaitable<fleet_state> read_definitions(parts& with) {
    fleet_state out;
    const etcd::key_range services{with.keys.services(), true};
    const auto found = co_await with.store.range(services);
    out.revision = found.header.revision;
    for (const auto& entry : found.keys) {
        const std::string name{behind(entry.key, services.key)};
        out.services.emplace(name, read_stored(entry, name));
        if (out.services.size() % services_a_slice == 0) co_await asio::post(asio::use_awaitable);
    }
    co_await read_rollouts(with, out);
    out.hosts = with.hosts.inventory();
    co_return out;
}

asio::awaitable<fleet_state> read_fleet(parts& with) {
    auto out = co_await read_definitions(with);
    etcd::range_options pinned;
    pinned.revision = out.revision;
    std::map<std::string, fleet::key_state> keys;
    for (const auto& part : key_parts(with.keys.prefix())) {
        const auto read = co_await with.store.range(part, pinned);
        for (const auto& entry : read.keys) {
            const auto address = address_of(entry.key, with.keys.prefix());
            if (address.empty()) continue;
            auto& key = keys[address];
            key.value = entry.value;
            key.mod_revision = entry.mod_revision;
            if (keys.size() % read_keys_a_slice == 0) co_await asio::post(asio::use_awaitable);
        }
    }
    const etcd::key_range notes{with.keys.rendered(), true};
    const auto noted = co_await with.store.range(notes, pinned);
    for (const auto& entry : noted.keys)
        keys[std::string{behind(entry.key, notes.key)}].rendered = entry.value;
    for (auto& [address, key] : keys) {
        key.address = address;
        out.keys.push_back(std::move(key));
    }
    co_return out;
}

namespace {

[[noreturn]] void refuse_broken(const std::string& what, const std::string& name,
                                const std::string& why, const char* remedy) {
    throw refused{409, "broken_service",
                  what + " '" + base::visible(name, 80) +
                      "' cannot be read, so nothing is rendered: " + base::visible(why, 300) +
                      remedy};
}

}  // namespace

std::vector<fleet::service_state> services_of(const fleet_state& state) {
    std::vector<fleet::service_state> out;
    for (const auto& [name, stored] : state.services) {
        if (!stored.broken.empty())
            refuse_broken("the stored service", name, stored.broken, "; put it again or delete it");
        out.push_back({stored.value, std::nullopt});
    }
    for (const auto& [name, rolling] : state.rollouts) {
        if (!rolling.broken.empty())
            refuse_broken("the rollout of the service", name, rolling.broken,
                          "; delete its key below _meta/rolling");
        auto at = std::ranges::find(out, name, [](const auto& one) { return one.current.name; });
        if (at == out.end()) {
            fleet::service none;
            none.name = name;
            none.enabled = false;
            at = out.insert(out.end(), {none, std::nullopt});
        }
        at->rollout = fleet::rollout_step{rolling.value.next, rolling.value.reached()};
    }
    return out;
}

std::vector<std::string> hosts_of(const fleet_state& state, const std::string& service) {
    fleet::host_index index{state.hosts};
    std::vector<std::uint32_t> positions;
    const auto add = [&](const fleet::service& from) {
        const auto selected = index.select(from.hosts);
        if (selected) positions.insert(positions.end(), selected->begin(), selected->end());
    };
    if (const auto found = state.services.find(service); found != state.services.end())
        add(found->second.value);
    if (const auto found = state.rollouts.find(service); found != state.rollouts.end())
        add(found->second.value.next);
    std::ranges::sort(positions);
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    std::vector<std::string> out;
    for (const auto position : positions)
        out.push_back(index.hosts()[position].name);
    return out;
}

asio::awaitable<fleet::rendering> render_in_turns(std::span<const fleet::service_state> services,
                                                  fleet::host_index& hosts) {
    fleet::rendering_slices slices{services, hosts};
    while (slices.advance(work_a_slice))
        co_await asio::post(asio::use_awaitable);
    co_return slices.finish();
}

asio::awaitable<prepared_plan> prepare(const fleet_state& state, fleet::plan_options options) {
    const auto services = services_of(state);
    fleet::host_index hosts{state.hosts};
    prepared_plan out;
    out.options = options;
    out.wanted = co_await render_in_turns(services, hosts);
    fleet::planning slices{out.wanted, hosts, state.keys, std::move(options)};
    while (slices.advance(keys_a_slice))
        co_await asio::post(asio::use_awaitable);
    out.plan = slices.finish();
    co_return out;
}

void keep_service(prepared_plan& prepared, const fleet_state& state, const std::string& service) {
    const auto hosts = hosts_of(state, service);
    std::erase_if(prepared.plan.writes, [&](const fleet::planned_key& key) {
        return !std::ranges::binary_search(hosts, key.host);
    });
    prepared.only_service = service;
}

void keep_addresses(prepared_plan& prepared) {
    std::erase_if(prepared.plan.writes, [&](const fleet::planned_key& key) {
        return !prepared.options.take_over.contains(key.address);
    });
    prepared.addresses_only = true;
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
