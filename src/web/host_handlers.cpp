#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "apply.hpp"
#include "fleet_board.hpp"
#include "fleet_state.hpp"
#include "handlers.hpp"
#include "host_failure.hpp"
#include "host_view.hpp"
#include "list_query.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/merge_patch.hpp"
#include "page.hpp"
#include "problem.hpp"
#include "stamp.hpp"

// Endpoints of hosts.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int most_attempts = 5;
constexpr std::size_t lists_a_slice = 50;

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

namespace {

constexpr std::string_view host_states[] = {"online", "offline", "healthy", "degraded", "unknown"};
constexpr std::string_view host_orders[] = {"host",       "-host", "lag_bytes",
                                            "-lag_bytes", "since", "-since"};

bool fits(const list_query& query, const std::string& name, const host_record& record) {
    const auto known = host_registry::host_of(record);
    if (query.with_selector && !(known && query.selected.matches(*known))) return false;
    const auto state = state_of(record);
    const bool online = record.online;
    if (query.state == "online" && !online) return false;
    if (query.state == "offline" && online) return false;
    const bool plain = query.state.empty() || query.state == "online" || query.state == "offline";
    if (!plain && query.state != state) return false;
    if (query.text.empty()) return true;
    std::vector<std::string> texts{name};
    if (known) {
        texts.insert(texts.end(), known->ips.begin(), known->ips.end());
        for (const auto& [label, value] : known->labels)
            texts.push_back(label + "=" + value);
    }
    return has_words(query.text, texts);
}

/// A host with what it is behind by; null = nobody has told.
json::object listed_host(const parts& with, const std::string& name, const host_record& record) {
    auto out = shown_host(name, record);
    const auto lag = with.lag_of ? with.lag_of(name) : std::nullopt;
    out["lag_bytes"] = lag ? json::value(*lag) : json::value(nullptr);
    return out;
}

/// Names of the services that mean this host, of those that the token is for; null while etcd does
/// not answer.
asio::awaitable<json::value> services_of_host(parts& with, principal who, std::string host) {
    std::shared_ptr<const fleet_view> view;
    try {
        view = co_await with.board->look();
    } catch (const refused&) {
    }
    if (!view) co_return json::value(nullptr);
    json::array out;
    std::size_t done = 0;
    for (const auto& [name, hosts] : view->hosts) {
        if (who.covers(name) && std::ranges::find(hosts, host) != hosts.end())
            out.emplace_back(name);
        if (++done % lists_a_slice == 0) co_await asio::post(asio::use_awaitable);
    }
    co_return json::value(std::move(out));
}

/// What hosts are sorted by; equal ones stay in the order of their names.
std::int64_t place_of(const parts& with, const std::string& name, const host_record& record,
                      std::string_view order) {
    if (order.ends_with("since")) return record.since_ms;
    if (!order.ends_with("lag_bytes") || !with.lag_of) return 0;
    return static_cast<std::int64_t>(with.lag_of(name).value_or(0));
}

/// Hosts that fit, in the order that is asked for.
std::vector<const std::pair<const std::string, host_record>*> find_hosts(const parts& with,
                                                                         const list_query& query) {
    std::vector<const std::pair<const std::string, host_record>*> out;
    for (const auto& each : with.hosts.all())
        if (fits(query, each.first, each.second)) out.push_back(&each);
    const bool back = query.sort.starts_with('-');
    if (query.sort == "-host") std::ranges::reverse(out);
    if (query.sort.empty() || query.sort.ends_with("host")) return out;
    std::ranges::stable_sort(out, [&](const auto* a, const auto* b) {
        const auto x = place_of(with, a->first, a->second, query.sort);
        const auto y = place_of(with, b->first, b->second, query.sort);
        return back ? y < x : x < y;
    });
    return out;
}

}  // namespace

answering list_hosts(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    const auto query = read_query(one.request, host_states, host_orders);
    json::array items;
    json::object out;
    // Hosts come and go by themselves: their pages show no fixed moment.
    if (query.narrows() || !query.sort.empty()) {
        const auto found = find_hosts(with, query);
        auto part = part_of(page, found.size());
        for (auto i = part.first; i < part.last; ++i)
            items.push_back(listed_host(with, found[i]->first, found[i]->second));
        out["total"] = found.size();
        out["next_page_token"] = std::move(part.next_page_token);
        out["items"] = std::move(items);
        co_return json_answer(out);
    }
    out["next_page_token"] = nullptr;
    const auto& all = with.hosts.all();
    for (auto each = all.upper_bound(page.after); each != all.end(); ++each) {
        if (items.size() == page.limit) {
            out["next_page_token"] = page_token(1, std::prev(each)->first);
            break;
        }
        items.push_back(listed_host(with, each->first, each->second));
    }
    out["total"] = all.size();
    out["items"] = std::move(items);
    co_return json_answer(out);
}

answering show_host(parts& with, exchange& one) {
    const std::string host{one.request.parameter("host")};
    const auto found = with.hosts.all().find(host);
    if (found == with.hosts.all().end())
        throw refused{404, "not_found", "no host of this name has a status"};
    auto out = listed_host(with, found->first, found->second);
    out["services"] = co_await services_of_host(with, one.who, host);
    co_return json_answer(out);
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

}  // namespace logagent::web
