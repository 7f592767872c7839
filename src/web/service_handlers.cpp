#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "handlers.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/json.hpp"
#include "merge_patch.hpp"
#include "page.hpp"
#include "precondition.hpp"
#include "service_document.hpp"
#include "stamp.hpp"

// Endpoints of services: one key each, and a revision document for every change, written in the
// same transaction as the change and its audit record.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A service as it is, and the number of its last revision, which outlives a deletion.
struct current_service {
    document stored;
    std::int64_t last_revision = 0;
};

asio::awaitable<current_service> load(parts& with, std::string name) {
    current_service out;
    out.stored = co_await with.store.get(with.keys.service(name));
    etcd::key_range history{with.keys.revisions(name), true};
    etcd::range_options newest;
    newest.limit = 1;
    newest.keys_only = true;
    newest.newest_first = true;
    const auto found = co_await with.store.range(history, newest);
    if (found.keys.empty()) co_return out;
    const auto number = base::parse_unsigned(behind(found.keys.front().key, history.key));
    if (number) out.last_revision = static_cast<std::int64_t>(*number);
    co_return out;
}

/// What a client gets to see of a stored service.
json::object shown(const document& stored) {
    return stored.value;
}

[[noreturn]] void stale(const document& now, const std::string& name) {
    problem why;
    why.status = 412;
    why.code = "stale";
    if (now.mod_revision == 0) {
        why.detail = "the service '" + name + "' does not exist";
        why.more["current"] = nullptr;
    } else {
        why.detail = "the service '" + name +
                     "' was changed meanwhile, or exists already: `current` is how it is now, its "
                     "ETag is " +
                     etag_of(now.mod_revision);
        why.more["current"] = shown(now);
        why.fields.push_back({"ETag", etag_of(now.mod_revision)});
    }
    throw refused{std::move(why)};
}

void require(const http::request& asked, const document& now, const std::string& name) {
    const auto expected = read_precondition(asked);
    if (expected.what == precondition::kind::none)
        throw refused{428, "precondition_required",
                      "say which state is changed: If-Match with the ETag of the service, or "
                      "If-None-Match: * to create it"};
    if (expected.what == precondition::kind::broken)
        throw refused{400, "precondition",
                      "If-Match or If-None-Match cannot be read; allowed: If-Match: \"12\", "
                      "If-Match: *, If-None-Match: *, one of them"};
    if (!expected.holds(now.mod_revision)) stale(now, name);
}

void check(const std::string& name, const json::object& definition) {
    auto errors = check_service(name, definition);
    if (errors.empty()) return;
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = errors.front().pointer + ": " + errors.front().detail;
    if (errors.size() > 1) why.detail += " (and " + std::to_string(errors.size() - 1) + " more)";
    why.errors = std::move(errors);
    throw refused{std::move(why)};
}

json::object revision_document(const exchange& one, const std::string& name, std::int64_t number,
                               const json::object* definition) {
    json::object out;
    out["revision"] = number;
    out["service"] = name;
    out["at"] = utc_time(one.now_ms);
    out["by"] = one.who.name;
    out["message"] = one.message;
    out["action"] = one.asked->change;
    if (definition)
        out["document"] = *definition;
    else
        out["document"] = nullptr;
    return out;
}

/// Stores a new state of the service, or (null) removes it, as its next revision.
asio::awaitable<http::response> store(parts& with, exchange& one, const std::string& name,
                                      current_service before,
                                      std::optional<json::object> definition) {
    const auto number = before.last_revision + 1;
    json::object answer;
    if (definition) {
        answer = *definition;
        answer["revision"] = number;
        answer["updated_at"] = utc_time(one.now_ms);
        answer["updated_by"] = one.who.name;
    }
    const unsigned status = !definition ? 204 : before.stored.mod_revision == 0 ? 201 : 200;
    if (one.dry_run) {
        answer["dry_run"] = true;
        co_return json_answer(answer);
    }
    change what;
    const auto key = with.keys.service(name);
    const auto history = with.keys.revision(name, number);
    what.conditions.push_back(unchanged(key, before.stored.mod_revision));
    what.conditions.push_back(unchanged(history, 0));
    if (definition)
        what.operations.push_back(put(key, json::serialize(answer)));
    else
        what.operations.push_back(remove(key));
    const auto kept = revision_document(one, name, number, definition ? &*definition : nullptr);
    what.operations.push_back(put(history, json::serialize(kept)));
    what.audit["revision"] = number;
    what.answer = json::serialize(answer);
    what.answer_status = status;
    const auto revision = co_await with.store.commit(one, std::move(what));
    if (!revision) {
        const auto now = co_await with.store.get(key);
        stale(now, name);
    }
    http::response made;
    if (definition) {
        made = json_answer(answer, status);
        made.fields.push_back({"ETag", etag_of(*revision)});
    }
    made.status = status;
    co_return made;
}

std::string checked_name(const exchange& one) {
    const auto name = one.name();
    if (!valid_service_name(name))
        throw refused{404, "not_found",
                      "a service's name has 1 to 128 of a-z A-Z 0-9 . _ - and begins with a letter "
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
    if (found.mod_revision == 0)
        throw refused{404, "not_found", "there is no service '" + name + "'"};
    const auto etag = etag_of(found.mod_revision);
    http::response made;
    if (not_modified(one.request, etag))
        made.status = 304;
    else
        made = json_answer(shown(found));
    made.fields.push_back({"ETag", etag});
    co_return made;
}

answering put_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    auto before = co_await load(with, name);
    require(one.request, before.stored, name);
    check(name, one.body);
    std::optional<json::object> definition{one.body};
    strip_server_fields(*definition, name);
    auto made = co_await store(with, one, name, std::move(before), std::move(definition));
    co_return made;
}

answering patch_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    auto before = co_await load(with, name);
    if (before.stored.mod_revision == 0)
        throw refused{404, "not_found", "there is no service '" + name + "'"};
    require(one.request, before.stored, name);
    json::value merged = before.stored.value;
    merge_patch(merged, one.body);
    check(name, merged.get_object());
    std::optional<json::object> definition{std::move(merged.get_object())};
    strip_server_fields(*definition, name);
    auto made = co_await store(with, one, name, std::move(before), std::move(definition));
    co_return made;
}

answering delete_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    auto before = co_await load(with, name);
    if (before.stored.mod_revision == 0)
        throw refused{404, "not_found", "there is no service '" + name + "'"};
    require(one.request, before.stored, name);
    std::optional<json::object> none;
    auto made = co_await store(with, one, name, std::move(before), std::move(none));
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
    auto before = co_await load(with, name);
    // A rollback may come without If-Match: the state that was read is what it compares with.
    const auto expected = read_precondition(one.request);
    if (expected.what != precondition::kind::none) require(one.request, before.stored, name);
    auto old = co_await load_revision(with, name, wanted->get_int64());
    const auto* kept = old.if_contains("document");
    if (!kept || !kept->is_object())
        throw refused{409, "deleted",
                      "revision " + std::to_string(wanted->get_int64()) +
                          " is the deletion of the service; delete it instead"};
    check(name, kept->get_object());
    std::optional<json::object> definition{kept->get_object()};
    auto made = co_await store(with, one, name, std::move(before), std::move(definition));
    co_return made;
}

}  // namespace logagent::web
