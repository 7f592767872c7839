#include "repository.hpp"

#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/base/log.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "token.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// `what_now` tells what it means for the request.
[[noreturn]] void give_up(const etcd::error& failure, const char* what_now) {
    problem why;
    why.status = 503;
    why.code = failure.why == etcd::error::cause::too_large ? "too_large" : "etcd_unavailable";
    why.detail = base::visible(failure.text, 500) + "; " + what_now;
    why.fields.push_back({"Retry-After", "2"});
    throw refused{std::move(why)};
}

constexpr auto answers_kept = std::chrono::hours{24};

constexpr const char* nothing_changed = "nothing was changed, try again";
constexpr const char* unclear =
    "it is not known whether the change was made: read it again before repeating it";

json::object read_object(const etcd::key_value& entry) {
    auto parsed = base::parse_json(entry.value);
    if (!parsed || !parsed->is_object())
        throw refused{500, "broken_document",
                      "the key " + base::visible(entry.key, 200) + " in etcd holds no JSON object" +
                          (parsed ? "" : ": " + base::describe(parsed.error()))};
    return std::move(parsed->get_object());
}

}  // namespace

etcd::compare unchanged(std::string key, std::int64_t number) {
    etcd::compare condition;
    condition.key = std::move(key);
    condition.what = etcd::compare::target::mod_revision;
    condition.number = number;
    return condition;
}

etcd::operation put(std::string key, std::string value, std::int64_t lease) {
    etcd::operation out;
    out.what = etcd::operation::kind::put;
    out.keys.key = std::move(key);
    out.value = std::move(value);
    out.lease = lease;
    return out;
}

etcd::operation remove(std::string key) {
    etcd::operation out;
    out.what = etcd::operation::kind::remove;
    out.keys.key = std::move(key);
    return out;
}

asio::awaitable<document> repository::get(std::string key) {
    etcd::key_range keys;
    keys.key = std::move(key);
    auto found = co_await etcd_.range(std::move(keys));
    if (!found) give_up(found.error(), nothing_changed);
    document out;
    if (found->keys.empty()) co_return out;
    out.mod_revision = found->keys.front().mod_revision;
    out.value = read_object(found->keys.front());
    co_return out;
}

asio::awaitable<etcd::range_result> repository::range(etcd::key_range keys,
                                                      etcd::range_options options) {
    auto found = co_await etcd_.range(std::move(keys), options);
    if (!found && found.error().why == etcd::error::cause::compacted)
        throw refused{410, "page_expired",
                      "the revision that this page_token stands for is gone from etcd; begin again "
                      "without page_token"};
    if (!found) give_up(found.error(), nothing_changed);
    co_return *std::move(found);
}

json::object repository::audit_record(const exchange& one) const {
    json::object out;
    out["at"] = utc_time(one.now_ms);
    json::object actor;
    actor["token_id"] = one.who.token_id;
    actor["name"] = one.who.name;
    out["actor"] = std::move(actor);
    out["peer"] = one.request.peer.to_string();
    out["request_id"] = one.id;
    out["action"] = one.asked->change;
    out["target"] = one.target;
    out["message"] = one.message;
    return out;
}

asio::awaitable<std::optional<std::int64_t>> repository::commit(exchange& one, change what) {
    auto record = audit_record(one);
    record["result"] = "done";
    for (const auto& member : what.audit)
        record[member.key()] = member.value();
    const auto id = ulid(one.now_ms, random_bytes(10));
    etcd::txn_request request;
    request.conditions = std::move(what.conditions);
    request.then = std::move(what.operations);
    request.then.push_back(put(keys_.audit(id), json::serialize(record)));
    if (!one.once_key.empty()) {
        json::object kept;
        kept["request"] = one.once_request;
        kept["status"] = what.answer_status;
        kept["body"] = what.answer;
        const auto lease = co_await grant(answers_kept);
        request.conditions.push_back(unchanged(one.once_key, 0));
        request.then.push_back(put(one.once_key, json::serialize(kept), lease));
    }
    auto done = co_await etcd_.txn(std::move(request));
    if (!done) give_up(done.error(), unclear);
    if (!done->succeeded) co_return std::nullopt;
    one.audited = true;
    co_return done->header.revision;
}

asio::awaitable<void> repository::audit_refusal(exchange& one, unsigned status,
                                                std::string reason) {
    auto record = audit_record(one);
    record["result"] = "refused";
    record["status"] = status;
    record["reason"] = reason;
    const auto key = keys_.audit(ulid(one.now_ms, random_bytes(10)));
    std::string text = json::serialize(record);
    auto done = co_await etcd_.put(key, std::move(text));
    if (!done)
        LOGAGENT_LOG(warn, "web.audit",
                     "a refused change could not be recorded: " << done.error().text);
    one.audited = true;
}

asio::awaitable<std::int64_t> repository::grant(std::chrono::seconds ttl) {
    auto granted = co_await etcd_.grant(ttl);
    if (!granted) give_up(granted.error(), nothing_changed);
    co_return granted->id;
}

}  // namespace logagent::web
