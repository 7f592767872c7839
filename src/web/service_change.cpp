#include "service_change.hpp"

#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "logagent/base/bytes.hpp"
#include "precondition.hpp"
#include "problem.hpp"
#include "stamp.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

[[noreturn]] void stale(const stored_service* now, const std::string& name) {
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

}  // namespace

boost::asio::awaitable<std::int64_t> last_revision(parts& with, std::string name) {
    etcd::key_range history{with.keys.revisions(name), true};
    etcd::range_options newest;
    newest.limit = 1;
    newest.keys_only = true;
    newest.newest_first = true;
    const auto found = co_await with.store.range(history, newest);
    if (found.keys.empty()) co_return 0;
    const auto number = base::parse_unsigned(behind(found.keys.front().key, history.key));
    co_return number ? static_cast<std::int64_t>(*number) : 0;
}

void require_state(const http::request& asked, const stored_service* now, const std::string& name) {
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

boost::asio::awaitable<json::object> load_revision(parts& with, std::string name,
                                                   std::int64_t number) {
    auto found = co_await with.store.get(with.keys.revision(name, number));
    if (found.mod_revision == 0)
        throw refused{404, "not_found",
                      "the service '" + name + "' has no revision " + std::to_string(number)};
    co_return std::move(found.value);
}

fleet::service definition_of(const json::object& revision) {
    const auto* kept = revision.if_contains("document");
    if (!kept || !kept->is_object())
        throw refused{409, "deleted",
                      "this revision is the deletion of the service; delete it instead"};
    auto read = fleet::parse_stored_service(json::serialize(*kept));
    if (!read.errors.empty())
        throw refused{409, "broken_service",
                      "this revision cannot be read: " + read.errors.front().pointer + ": " +
                          read.errors.front().text};
    return std::move(read.value);
}

void refuse_rolling(const fleet_state& state, const std::string& name) {
    const auto found = state.rollouts.find(name);
    if (found == state.rollouts.end()) return;
    problem why;
    why.status = 409;
    why.code = "rollout_active";
    why.detail = "the service '" + name + "' is in the rollout " + found->second.value.id +
                 ": abort it, or wait for its end, before it is changed in another way";
    why.more["id"] = found->second.value.id;
    throw refused{std::move(why)};
}

void replace(fleet_state& in, const service_change& edit) {
    if (!edit.next) {
        in.services.erase(edit.name);
        return;
    }
    auto& stored = in.services[edit.name];
    stored.value = *edit.next;
    stored.broken.clear();
}

json::object stored_form(const exchange& one, const service_change& edit) {
    if (!edit.next) return {};
    auto out = fleet::to_json(*edit.next);
    out["revision"] = edit.number;
    out["updated_at"] = utc_time(one.now_ms);
    out["updated_by"] = one.who.name;
    return out;
}

void add_change(parts& with, const exchange& one, const service_change& edit, change& to) {
    const auto key = with.keys.service(edit.name);
    const auto history = with.keys.revision(edit.name, edit.number);
    to.conditions.push_back(unchanged(key, edit.base));
    to.conditions.push_back(unchanged(history, 0));
    to.conditions.push_back(unchanged(with.keys.rolling(edit.name), edit.rolling));
    if (edit.next)
        to.operations.push_back(put(key, json::serialize(stored_form(one, edit))));
    else
        to.operations.push_back(remove(key));
    json::object kept;
    kept["revision"] = edit.number;
    kept["service"] = edit.name;
    kept["at"] = utc_time(one.now_ms);
    kept["by"] = one.who.name;
    kept["message"] = one.message;
    kept["action"] = one.asked->change;
    if (edit.next)
        kept["document"] = fleet::to_json(*edit.next);
    else
        kept["document"] = nullptr;
    to.operations.push_back(put(history, json::serialize(kept)));
}

}  // namespace logagent::web
