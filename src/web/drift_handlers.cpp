#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "apply.hpp"
#include "endpoint.hpp"
#include "handlers.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/address.hpp"
#include "logagent/fleet/adopt.hpp"
#include "problem.hpp"
#include "service_change.hpp"

// Keys that are not what web would write: shown, written again, or made into services.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int most_attempts = 5;
constexpr std::size_t most_addresses = 20'000;
constexpr std::size_t services_a_step = 20;

refused field_problem(std::string pointer, std::string code, std::string detail) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = pointer + ": " + detail;
    why.errors.push_back({std::move(pointer), std::move(code), std::move(detail)});
    return refused{std::move(why)};
}

using address_set = std::set<std::string, std::less<>>;

address_set read_addresses(const json::object& body) {
    for (const auto& member : body)
        if (member.key() != "addresses") {
            std::string pointer;
            base::append_pointer(pointer, std::string_view{member.key()});
            throw field_problem(pointer, "unknown_field", "allowed: addresses, message");
        }
    address_set out;
    const auto* given = body.if_contains("addresses");
    if (!given) return out;
    if (!given->is_array() || given->get_array().size() > most_addresses)
        throw field_problem("/addresses", "type", "expected a list of at most 20000 addresses");
    for (std::size_t i = 0; i < given->get_array().size(); ++i) {
        const auto& one = given->get_array()[i];
        const auto address =
            one.is_string() ? fleet::parse_address(one.get_string()) : std::nullopt;
        if (!address)
            throw field_problem("/addresses/" + std::to_string(i), "address",
                                "expected an IPv4 or IPv6 address");
        out.insert(fleet::to_text(*address));
    }
    return out;
}

/// Entries that a key holds; null if there is no such key, or it is no JSON.
json::value stored_entries(const fleet_state& state, std::string_view address) {
    const auto found =
        std::ranges::lower_bound(state.keys, address, {}, &fleet::key_state::address);
    if (found == state.keys.end() || found->address != address || !found->value) return nullptr;
    auto parsed = base::parse_json(*found->value);
    if (!parsed) return nullptr;
    return *std::move(parsed);
}

json::object item(std::string_view address, std::string_view host, std::string_view result,
                  std::string_view detail) {
    json::object out;
    out["address"] = address;
    out["host"] = host;
    out["result"] = result;
    out["detail"] = detail;
    return out;
}

/// One result for each address.
json::array results(const address_set& addresses, const prepared_plan& prepared,
                    const carried_out& done) {
    json::array out;
    const auto of = [](const std::vector<fleet::planned_key>& list, const std::string& address) {
        return std::ranges::find(list, address, &fleet::planned_key::address);
    };
    for (const auto& address : addresses) {
        const auto written = of(done.written, address);
        const auto failed = of(done.failed, address);
        const auto held = of(prepared.plan.held, address);
        if (written != done.written.end())
            out.push_back(item(address, written->host, "written", ""));
        else if (failed != done.failed.end())
            out.push_back(item(address, failed->host, "failed", "somebody keeps changing it"));
        else if (held != prepared.plan.held.end())
            out.push_back(item(address, held->host, "failed",
                               "held: " + std::string{fleet::name_of(held->held)}));
        else
            out.push_back(item(address, "", "unchanged", ""));
    }
    return out;
}

/// Documents for keys that somebody wrote, and what has to be known about them.
struct adopted {
    fleet::adoption found;
    address_set addresses;
};

/// `wanted` empty: all keys that web did not write as they are.
adopted adopt_keys(const fleet_state& state, const address_set& wanted) {
    adopted out;
    std::vector<fleet::written_key> keys;
    for (const auto& key : state.keys) {
        const bool ours = key.value && key.rendered == fleet::content_hash(*key.value);
        if (!key.value || ours || *key.value == "[]") continue;
        if (!wanted.empty() && !wanted.contains(key.address)) continue;
        keys.push_back({key.address, *key.value});
    }
    std::set<std::string, std::less<>> taken;
    for (const auto& [name, stored] : state.services)
        taken.insert(name);
    const fleet::host_index hosts{state.hosts};
    out.found = fleet::adopt(keys, hosts, taken);
    out.addresses = out.found.addresses;
    return out;
}

json::array notes_json(const std::vector<fleet::adopt_note>& notes) {
    json::array out;
    for (const auto& note : notes) {
        json::object one;
        one["code"] = note.code;
        one["text"] = note.text;
        one["address"] = note.address;
        out.push_back(std::move(one));
    }
    return out;
}

/// The adopted services as changes, at most so many; the rest stays in `from`.
asio::awaitable<std::vector<service_change>> take_edits(parts& with,
                                                        std::vector<fleet::service>& from,
                                                        std::size_t most) {
    std::vector<service_change> out;
    while (!from.empty() && out.size() < most) {
        service_change edit;
        edit.name = from.back().name;
        edit.next = std::move(from.back());
        from.pop_back();
        edit.number = 1 + co_await last_revision(with, edit.name);
        out.push_back(std::move(edit));
    }
    co_return out;
}

[[noreturn]] void busy() {
    throw refused{409, "busy",
                  "services, hosts or keys kept changing while this was carried out; what was done "
                  "is in the audit, try again"};
}

}  // namespace

answering show_drift(parts& with, exchange&) {
    const auto state = co_await read_fleet(with);
    const fleet::plan_options options;
    const auto prepared = co_await prepare(state, options);
    auto whole = plan_json(prepared);
    auto& hosts = whole["hosts"].get_array();
    for (auto& each : hosts) {
        auto& one = each.get_object();
        one["stored"] = stored_entries(state, std::string_view{one.at("address").get_string()});
    }
    json::object out;
    out["items"] = std::move(hosts);
    out["omitted"] = std::move(whole["hosts_omitted"]);
    out["next_page_token"] = nullptr;
    co_return json_answer(out);
}

answering repair_drift(parts& with, exchange& one) {
    const auto addresses = read_addresses(one.body);
    if (addresses.empty())
        throw field_problem("/addresses", "missing", "say which keys are to be written again");
    fleet::plan_options options;
    options.take_over = addresses;
    options.repair_drift = true;
    options.empty_orphans = true;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const auto state = co_await read_fleet(with);
        auto prepared = co_await prepare(state, options);
        keep_addresses(prepared);
        json::object answer;
        if (one.dry_run) {
            answer["dry_run"] = true;
            answer["plan"] = plan_json(prepared);
            co_return json_answer(answer);
        }
        change what;
        what.audit["addresses"] = addresses.size();
        const auto done = co_await carry_out(with, one, prepared, std::move(what));
        if (!done) continue;
        answer["items"] = results(addresses, prepared, *done);
        co_return json_answer(answer);
    }
    busy();
}

answering adopt_drift(parts& with, exchange& one) {
    const auto addresses = read_addresses(one.body);
    json::object answer;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto state = co_await read_fleet(with);
        auto adoption = adopt_keys(state, addresses);
        json::array services;
        for (const auto& service : adoption.found.services)
            services.push_back(fleet::to_json(service));
        answer["services"] = std::move(services);
        answer["notes"] = notes_json(adoption.found.notes);
        auto& rest = adoption.found.services;
        fleet::plan_options options;
        // Services of a first step must not be rendered without those of the next one, so that
        // only the last step takes the keys over.
        while (!one.dry_run && rest.size() > services_a_step) {
            const auto edits = co_await take_edits(with, rest, services_a_step);
            change some;
            for (const auto& edit : edits) {
                add_change(with, one, edit, some);
                replace(state, edit);
            }
            const auto made = co_await with.store.commit(one, std::move(some));
            if (!made) busy();
            state = co_await read_fleet(with);
        }
        const auto edits = co_await take_edits(with, rest, rest.size());
        change what;
        for (const auto& edit : edits) {
            if (!one.dry_run) add_change(with, one, edit, what);
            replace(state, edit);
        }
        options.take_over = adoption.addresses;
        options.repair_drift = true;
        auto prepared = co_await prepare(state, options);
        keep_addresses(prepared);
        if (one.dry_run) {
            answer["dry_run"] = true;
            answer["plan"] = plan_json(prepared);
            co_return json_answer(answer);
        }
        what.audit["addresses"] = adoption.addresses.size();
        const auto done = co_await carry_out(with, one, prepared, std::move(what));
        if (!done) continue;
        answer["items"] = results(adoption.addresses, prepared, *done);
        co_return json_answer(answer);
    }
    busy();
}

}  // namespace logagent::web
