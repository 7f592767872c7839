#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "fleet_state.hpp"
#include "handlers.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/merge_patch.hpp"
#include "page.hpp"
#include "problem.hpp"
#include "stamp.hpp"

// Endpoints of hosts, and of the audit.

namespace logagent::web {

namespace json = boost::json;

namespace {

constexpr int most_attempts = 5;

json::object shown(const std::string& host, const host_record& record) {
    json::object out;
    out["host"] = host;
    out["online"] = record.online;
    out["since"] = utc_time(record.since_ms);
    const auto known = host_registry::host_of(record);
    json::object labels;
    if (known)
        for (const auto& [label, value] : known->labels)
            labels[label] = value;
    out["labels"] = std::move(labels);
    out["primary_ip"] = known ? known->primary_ip : std::string{};
    out["status"] = record.status;
    return out;
}

/// The host with other labels: {"labels":{"env":"prod","old":null}}. Throws `refused` (422).
fleet::host relabelled(const fleet::host& before, const json::object& body) {
    json::value document = fleet::to_json(before);
    problem why;
    why.status = 422;
    why.code = "invalid";
    for (const auto& member : body)
        if (member.key() != "labels")
            why.errors.push_back(
                {"/" + std::string{member.key()}, "unknown_field", "allowed: labels, message"});
    const auto* labels = body.if_contains("labels");
    if (!labels || !labels->is_object())
        why.errors.push_back({"/labels", labels ? "type" : "missing",
                              "expected an object of labels and texts, null removes one"});
    if (why.errors.empty()) {
        json::object patch;
        patch["labels"] = *labels;
        auto read = fleet::read_host(fleet::merge_patch(std::move(document), patch), &before);
        for (auto& error : read.errors)
            why.errors.push_back({error.pointer, error.code, error.text});
        if (why.errors.empty()) {
            read.value.live = before.live;
            return std::move(read.value);
        }
    }
    why.detail = why.errors.front().pointer + ": " + why.errors.front().detail;
    throw refused{std::move(why)};
}

}  // namespace

answering list_hosts(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    json::array items;
    json::object out;
    out["next_page_token"] = nullptr;
    const auto& all = with.hosts.all();
    for (auto each = all.upper_bound(page.after); each != all.end(); ++each) {
        if (items.size() == page.limit) {
            // Hosts come and go by themselves: their pages show no fixed moment.
            out["next_page_token"] = page_token(1, std::prev(each)->first);
            break;
        }
        items.push_back(shown(each->first, each->second));
    }
    out["items"] = std::move(items);
    co_return json_answer(out);
}

answering show_host(parts& with, exchange& one) {
    const std::string host{one.request.parameter("host")};
    const auto found = with.hosts.all().find(host);
    if (found == with.hosts.all().end())
        throw refused{404, "not_found", "no host of this name has a status"};
    co_return json_answer(shown(found->first, found->second));
}

answering patch_labels(parts& with, exchange& one) {
    const std::string name{one.request.parameter("host")};
    one.target = name;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto state = co_await read_fleet(with);
        const auto stored = co_await with.store.get(with.keys.host(name));
        const auto at = std::ranges::find(state.hosts, name, &fleet::host::name);
        if (at == state.hosts.end())
            throw refused{404, "not_found", "no host of this name is known"};
        *at = relabelled(*at, one.body);
        const fleet::plan_options options;
        const auto prepared = co_await prepare(state, options);
        if (one.dry_run) {
            auto answer = plan_json(prepared);
            answer["dry_run"] = true;
            co_return json_answer(answer);
        }
        change what;
        const auto key = with.keys.host(name);
        what.conditions.push_back(unchanged(key, stored.mod_revision));
        what.operations.push_back(put(key, json::serialize(fleet::to_json(*at))));
        const auto done = co_await carry_out(with, one, prepared, std::move(what));
        if (!done) continue;
        auto answer = fleet::to_json(*at);
        answer["rendered"] = outcome_json(prepared, *done);
        co_return json_answer(answer);
    }
    throw refused{409, "busy", "services or hosts kept changing; nothing was changed, try again"};
}

answering list_audit(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    etcd::key_range keys{with.keys.audits(), true};
    etcd::range_options options;
    options.revision = page.revision;
    options.limit = page.limit;
    options.descending = true;
    if (!page.after.empty()) keys.before = with.keys.audit(page.after);
    const auto found = co_await with.store.range(keys, options);
    const auto revision = page.revision ? page.revision : found.header.revision;
    json::array items;
    std::string last;
    for (const auto& entry : found.keys) {
        last = behind(entry.key, keys.key);
        auto parsed = base::parse_json(entry.value);
        json::object item;
        if (parsed && parsed->is_object()) item = std::move(parsed->get_object());
        item["id"] = last;
        items.push_back(std::move(item));
    }
    json::object out;
    out["items"] = std::move(items);
    if (found.more)
        out["next_page_token"] = page_token(revision, last);
    else
        out["next_page_token"] = nullptr;
    co_return json_answer(out);
}

}  // namespace logagent::web
