#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "apply.hpp"
#include "endpoint.hpp"
#include "fleet_board.hpp"
#include "handlers.hpp"
#include "list_query.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/merge_patch.hpp"
#include "page.hpp"
#include "precondition.hpp"
#include "service_change.hpp"
#include "service_document.hpp"
#include "status_view.hpp"

// Endpoints of services: one key each, and a revision document for every change, written in the
// same transaction as the change and its audit record.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int most_attempts = 5;

using state_of_service = const stored_service*;  // null: there is none

/// Makes the new state of a service out of the present one, or nothing to remove it; throws
/// `refused`.
using maker = std::function<std::optional<fleet::service>(state_of_service)>;

/// Carries out one change of one service, with what it means for hosts. Other people may write at
/// the same time: what was read is compared in the transaction, and read again if it has changed.
asio::awaitable<http::response> change_service(parts& with, exchange& one, std::string name,
                                               maker make) {
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto state = co_await read_fleet(with);
        const auto found = state.services.find(name);
        const state_of_service before = found == state.services.end() ? nullptr : &found->second;
        auto next = make(before);
        refuse_rolling(state, name);
        service_change edit;
        edit.name = name;
        edit.base = before ? before->mod_revision : 0;
        edit.next = std::move(next);
        edit.number = 1 + co_await last_revision(with, name);
        replace(state, edit);
        const fleet::plan_options options;
        const auto prepared = co_await prepare(state, options);
        const std::vector<std::string> names{name};
        if (edit.next) refuse_errors(prepared, names);
        auto answer = stored_form(one, edit);
        if (one.dry_run) {
            answer["dry_run"] = true;
            answer["plan"] = plan_json(prepared);
            co_return json_answer(answer);
        }
        change what;
        add_change(with, one, edit, what);
        what.audit["revision"] = edit.number;
        what.answer = edit.next ? json::serialize(answer) : std::string{"{}"};
        what.answer_status = !edit.next ? 204 : edit.base == 0 ? 201 : 200;
        const auto status = what.answer_status;
        const auto done = co_await carry_out(with, one, prepared, std::move(what));
        if (!done) continue;
        http::response made;
        if (edit.next) {
            answer["rendered"] = outcome_json(prepared, *done);
            made = json_answer(answer, status);
            made.fields.push_back({"ETag", etag_of(done->revision)});
        }
        made.status = status;
        co_return made;
    }
    throw refused{
        409, "busy",
        "services or hosts kept changing while this was carried out; nothing was changed, "
        "try again"};
}

refused no_service(const std::string& name) {
    return {404, "not_found", "there is no service '" + name + "'"};
}

std::string checked_name(const exchange& one) {
    const auto name = one.name();
    if (!valid_service_name(name))
        throw refused{404, "not_found",
                      "a service's name has 1 to 64 of a-z A-Z 0-9 . _ - and begins with a letter "
                      "or a digit"};
    return name;
}

}  // namespace

namespace {

constexpr std::string_view service_states[] = {"failed",  "waiting",  "offline",
                                               "applied", "disabled", "enabled"};
constexpr std::string_view service_orders[] = {"name", "-name", "updated_at", "-updated_at"};

json::object listed(const etcd::key_value& entry, std::string_view name) {
    auto parsed = base::parse_json(entry.value);
    json::object item;
    if (parsed && parsed->is_object())
        item = std::move(parsed->get_object());
    else
        item["error"] = "the key in etcd holds no JSON object";
    item["name"] = name;
    item["etag"] = etag_of(entry.mod_revision);
    return item;
}

/// What a search looks at: names, people, paths and topics.
bool fits_text(const json::object& item, const std::string& query) {
    if (query.empty()) return true;
    std::vector<std::string> texts;
    for (const auto* field : {"name", "description", "owner", "source"})
        texts.push_back(text_member(item, field));
    const auto* files = item.if_contains("files");
    if (files && files->is_array())
        for (const auto& file : files->get_array()) {
            texts.push_back(text_member(&file, "log_path"));
            texts.push_back(text_member(&file, "topic"));
        }
    return has_words(query, texts);
}

bool fits_state(const json::object& item, const service_counts& counts, const std::string& state) {
    if (state.empty()) return true;
    const auto* enabled = item.if_contains("enabled");
    const bool disabled = enabled && enabled->is_bool() && !enabled->get_bool();
    if (state == "disabled") return disabled;
    if (state == "enabled") return !disabled;
    if (state == "failed") return counts.failed > 0;
    if (state == "waiting") return counts.waiting > 0;
    if (state == "offline") return counts.offline > 0;
    return counts.hosts > 0 && counts.applied == counts.hosts;
}

void sort_services(std::vector<json::object>& items, const std::string& sort) {
    if (sort.empty() || sort == "name") return;
    const bool back = sort.front() == '-';
    const auto field = sort.substr(back ? 1 : 0);
    std::ranges::stable_sort(items, [&](const json::object& a, const json::object& b) {
        const auto x = text_member(a, field);
        const auto y = text_member(b, field);
        return back ? y < x : x < y;
    });
}

void add_status(json::object& item, const fleet_view& view, const host_registry& hosts) {
    const std::string name{item.at("name").get_string()};
    item["status"] = to_json(count_hosts(view, hosts, name));
    if (const auto rolling = view.state.rollouts.find(name); rolling != view.state.rollouts.end())
        item["rollout"] = rolling->second.value.id;
}

/// A list that is searched, or in another order: all of it is read, at the revision of the page.
asio::awaitable<json::object> search_services(parts& with, const exchange& one, list_query query,
                                              page_request page) {
    const etcd::key_range keys{with.keys.services(), true};
    etcd::range_options options;
    options.revision = page.revision;
    const auto found = co_await with.store.range(keys, options);
    if (page.revision == 0) page.revision = found.header.revision;
    const auto view = co_await with.board->look();
    std::vector<json::object> fitting;
    for (const auto& entry : found.keys) {
        const auto name = behind(entry.key, keys.key);
        if (!one.who.covers(name)) continue;
        auto item = listed(entry, name);
        if (!fits_text(item, query.text)) continue;
        const std::string service{name};
        const auto counts =
            query.state.empty() ? service_counts{} : count_hosts(*view, with.hosts, service);
        if (fits_state(item, counts, query.state)) fitting.push_back(std::move(item));
    }
    sort_services(fitting, query.sort);
    auto part = part_of(page, fitting.size());
    json::array items;
    for (auto i = part.first; i < part.last; ++i) {
        add_status(fitting[i], *view, with.hosts);
        items.push_back(std::move(fitting[i]));
    }
    json::object out;
    out["total"] = fitting.size();
    out["items"] = std::move(items);
    out["next_page_token"] = std::move(part.next_page_token);
    co_return out;
}

}  // namespace

answering list_services(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    auto query = read_query(one.request, service_states, service_orders);
    if (query.narrows() || !query.sort.empty()) {
        const auto found = co_await search_services(with, one, std::move(query), page);
        co_return json_answer(found);
    }
    etcd::key_range keys{with.keys.services(), true};
    etcd::range_options options;
    options.revision = page.revision;
    options.limit = page.limit;
    if (!page.after.empty()) keys.after = with.keys.service(page.after);
    const auto found = co_await with.store.range(keys, options);
    const auto view = co_await with.board->look();
    const auto revision = page.revision ? page.revision : found.header.revision;
    json::array items;
    std::string last;
    for (const auto& entry : found.keys) {
        last = behind(entry.key, keys.key);
        if (!one.who.covers(last)) continue;
        auto item = listed(entry, last);
        add_status(item, *view, with.hosts);
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

answering show_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    const auto found = co_await with.store.get(with.keys.service(name));
    if (found.mod_revision == 0) throw no_service(name);
    const auto etag = etag_of(found.mod_revision);
    http::response made;
    if (not_modified(one.request, etag))
        made.status = 304;
    else
        made = json_answer(found.value);
    made.fields.push_back({"ETag", etag});
    co_return made;
}

answering put_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    maker make = [&](state_of_service before) -> std::optional<fleet::service> {
        require_state(one.request, before, name);
        return read_definition(name, one.body, before ? &before->value : nullptr);
    };
    auto made = co_await change_service(with, one, name, std::move(make));
    co_return made;
}

answering patch_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    maker make = [&](state_of_service before) -> std::optional<fleet::service> {
        if (!before) throw no_service(name);
        require_state(one.request, before, name);
        auto merged = fleet::merge_patch(before->document, one.body);
        return read_definition(name, std::move(merged.get_object()), &before->value);
    };
    auto made = co_await change_service(with, one, name, std::move(make));
    co_return made;
}

answering delete_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    maker make = [&](state_of_service before) -> std::optional<fleet::service> {
        if (!before) throw no_service(name);
        require_state(one.request, before, name);
        return std::nullopt;
    };
    auto made = co_await change_service(with, one, name, std::move(make));
    co_return made;
}

answering list_revisions(parts& with, exchange& one) {
    const auto name = checked_name(one);
    etcd::key_range keys{with.keys.revisions(name), true};
    const auto found = co_await with.store.range(keys);
    std::vector<json::object> revisions;
    for (const auto& entry : found.keys) {
        auto parsed = base::parse_json(entry.value);
        if (!parsed || !parsed->is_object()) continue;
        auto& one_of_them = parsed->get_object();
        const auto* number = one_of_them.if_contains("revision");
        if (!number || !number->is_int64()) continue;
        const auto* kept = one_of_them.if_contains("document");
        one_of_them["deleted"] = !kept || kept->is_null();
        one_of_them.erase("document");
        revisions.push_back(std::move(one_of_them));
    }
    if (revisions.empty())
        throw refused{404, "not_found", "there has never been a service '" + name + "'"};
    std::ranges::sort(revisions, std::greater{},
                      [](const json::object& of) { return of.at("revision").get_int64(); });
    json::array items;
    for (auto& each : revisions)
        items.push_back(std::move(each));
    json::object out;
    out["items"] = std::move(items);
    out["next_page_token"] = nullptr;
    co_return json_answer(out);
}

answering show_revision(parts& with, exchange& one) {
    const auto name = checked_name(one);
    const auto number = base::parse_unsigned(one.request.parameter("revision"));
    if (!number || *number > INT64_MAX)
        throw refused{404, "not_found", "a revision is a whole number"};
    auto found = co_await load_revision(with, name, static_cast<std::int64_t>(*number));
    co_return json_answer(found);
}

answering roll_back_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    const auto* wanted = one.body.if_contains("revision");
    if (!wanted || !wanted->is_int64() || wanted->get_int64() < 1)
        throw refused{422, "invalid", "/revision: expected the number of a revision"};
    auto old = co_await load_revision(with, name, wanted->get_int64());
    const auto definition = definition_of(old);
    maker make = [&](state_of_service before) -> std::optional<fleet::service> {
        // May come without If-Match: the state that was read is what is compared.
        const auto expected = read_precondition(one.request);
        if (expected.what != precondition::kind::none) require_state(one.request, before, name);
        return definition;
    };
    auto made = co_await change_service(with, one, name, std::move(make));
    co_return made;
}

}  // namespace logagent::web
