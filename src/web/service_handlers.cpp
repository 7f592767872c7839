#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "fleet_state.hpp"
#include "handlers.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/merge_patch.hpp"
#include "page.hpp"
#include "precondition.hpp"
#include "service_change.hpp"
#include "service_document.hpp"

// Endpoints of services: one key each, and a revision document for every change, written in the
// same transaction as the change and its audit record.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int most_attempts = 5;

using state_of_service = const stored_service*;  // null: there is none

[[noreturn]] void stale(state_of_service now, const std::string& name) {
    problem why;
    why.status = 412;
    why.code = "stale";
    if (!now) {
        why.detail = "the service '" + name + "' does not exist";
        why.more["current"] = nullptr;
    } else {
        why.detail = "the service '" + name +
                     "' was changed meanwhile, or exists already: `current` is how it is now, its "
                     "ETag is " +
                     etag_of(now->mod_revision);
        why.more["current"] = now->document;
        why.fields.push_back({"ETag", etag_of(now->mod_revision)});
    }
    throw refused{std::move(why)};
}

void require(const http::request& asked, state_of_service now, const std::string& name) {
    const auto expected = read_precondition(asked);
    if (expected.what == precondition::kind::none)
        throw refused{428, "precondition_required",
                      "say which state is changed: If-Match with the ETag of the service, or "
                      "If-None-Match: * to create it"};
    if (expected.what == precondition::kind::broken)
        throw refused{400, "precondition",
                      "If-Match or If-None-Match cannot be read; allowed: If-Match: \"12\", "
                      "If-Match: *, If-None-Match: *, one of them"};
    if (!expected.holds(now ? now->mod_revision : 0)) stale(now, name);
}

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

answering list_services(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    etcd::key_range keys{with.keys.services(), true};
    etcd::range_options options;
    options.revision = page.revision;
    options.limit = page.limit;
    if (!page.after.empty()) keys.after = with.keys.service(page.after);
    const auto found = co_await with.store.range(keys, options);
    const auto revision = page.revision ? page.revision : found.header.revision;
    json::array items;
    std::string last;
    for (const auto& entry : found.keys) {
        last = behind(entry.key, keys.key);
        if (!one.who.covers(last)) continue;
        auto parsed = base::parse_json(entry.value);
        json::object item;
        if (parsed && parsed->is_object())
            item = std::move(parsed->get_object());
        else
            item["error"] = "the key in etcd holds no JSON object";
        item["name"] = last;
        item["etag"] = etag_of(entry.mod_revision);
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
        require(one.request, before, name);
        return read_definition(name, one.body, before ? &before->value : nullptr);
    };
    auto made = co_await change_service(with, one, name, std::move(make));
    co_return made;
}

answering patch_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    maker make = [&](state_of_service before) -> std::optional<fleet::service> {
        if (!before) throw no_service(name);
        require(one.request, before, name);
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
        require(one.request, before, name);
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

namespace {

asio::awaitable<json::object> load_revision(parts& with, std::string name, std::int64_t number) {
    auto found = co_await with.store.get(with.keys.revision(name, number));
    if (found.mod_revision == 0)
        throw refused{404, "not_found",
                      "the service '" + name + "' has no revision " + std::to_string(number)};
    co_return std::move(found.value);
}

}  // namespace

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
    const auto* kept = old.if_contains("document");
    if (!kept || !kept->is_object())
        throw refused{409, "deleted",
                      "revision " + std::to_string(wanted->get_int64()) +
                          " is the deletion of the service; delete it instead"};
    maker make = [&](state_of_service before) -> std::optional<fleet::service> {
        // May come without If-Match: the state that was read is what is compared.
        const auto expected = read_precondition(one.request);
        if (expected.what != precondition::kind::none) require(one.request, before, name);
        auto read = fleet::parse_stored_service(json::serialize(*kept));
        if (!read.errors.empty())
            throw refused{409, "broken_service",
                          "this revision cannot be read: " + read.errors.front().pointer + ": " +
                              read.errors.front().text};
        return std::move(read.value);
    };
    auto made = co_await change_service(with, one, name, std::move(make));
    co_return made;
}

}  // namespace logagent::web
