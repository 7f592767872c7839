#include "etcd/codec.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "logagent/base/bytes.hpp"

namespace logagent::etcd {

namespace json = boost::json;

namespace {

[[noreturn]] void wrong(std::string_view field) {
    throw bad_answer{"the field '" + std::string{field} + "' has the wrong type"};
}

template <class Number>
Number number(const json::object& from, std::string_view field) {
    const json::value* const found = from.if_contains(field);
    if (found == nullptr) return 0;
    if (const auto* text = found->if_string()) {
        Number result = 0;
        const char* const end = text->data() + text->size();
        const auto read = std::from_chars(text->data(), end, result);
        if (read.ec != std::errc{} || read.ptr != end) wrong(field);
        return result;
    }
    boost::system::error_code inexact;
    const auto result = found->to_number<Number>(inexact);
    if (inexact) wrong(field);
    return result;
}

bool flag(const json::object& from, std::string_view field) {
    const json::value* const found = from.if_contains(field);
    if (found == nullptr) return false;
    if (!found->is_bool()) wrong(field);
    return found->get_bool();
}

std::string text(const json::object& from, std::string_view field) {
    const json::value* const found = from.if_contains(field);
    if (found == nullptr) return {};
    if (!found->is_string()) wrong(field);
    return std::string{found->get_string()};
}

std::string bytes(const json::object& from, std::string_view field) {
    const json::value* const found = from.if_contains(field);
    if (found == nullptr) return {};
    if (!found->is_string()) wrong(field);
    auto decoded = base::base64_decode(found->get_string());
    if (!decoded) throw bad_answer{"the field '" + std::string{field} + "' is not base64"};
    return std::move(*decoded);
}

const json::object* object(const json::object& from, std::string_view field) {
    const json::value* const found = from.if_contains(field);
    if (found == nullptr || found->is_null()) return nullptr;
    if (!found->is_object()) wrong(field);
    return &found->get_object();
}

const json::array* array(const json::object& from, std::string_view field) {
    const json::value* const found = from.if_contains(field);
    if (found == nullptr || found->is_null()) return nullptr;
    if (!found->is_array()) wrong(field);
    return &found->get_array();
}

const json::object& as_object(const json::value& one, std::string_view field) {
    if (!one.is_object()) wrong(field);
    return one.get_object();
}

key_value read_key_value(const json::object& from) {
    key_value result;
    result.key = bytes(from, "key");
    result.value = bytes(from, "value");
    result.create_revision = number<std::int64_t>(from, "create_revision");
    result.mod_revision = number<std::int64_t>(from, "mod_revision");
    result.version = number<std::int64_t>(from, "version");
    result.lease = number<std::int64_t>(from, "lease");
    return result;
}

void add_range(json::object& to, const key_range& keys) {
    if (keys.prefix && keys.key.empty())
        to["key"] = base::base64_encode(std::string_view{"\0", 1});  // the first key there can be
    else
        to["key"] = base::base64_encode(keys.key);
    if (keys.prefix) to["range_end"] = base::base64_encode(end_of_prefix(keys.key));
}

json::object compare_body(const compare& condition) {
    static constexpr const char* targets[] = {"VERSION", "CREATE", "MOD", "LEASE", "VALUE"};
    static constexpr const char* fields[] = {"version", "create_revision", "mod_revision", "lease",
                                             "value"};
    static constexpr const char* relations[] = {"EQUAL", "NOT_EQUAL", "GREATER", "LESS"};
    const auto what = static_cast<std::size_t>(condition.what);
    json::object body;
    body["key"] = base::base64_encode(condition.key);
    body["target"] = targets[what];
    body["result"] = relations[static_cast<std::size_t>(condition.is)];
    body[fields[what]] = condition.what == compare::target::value
                             ? base::base64_encode(condition.value)
                             : std::to_string(condition.number);
    return body;
}

json::array operations_body(const std::vector<operation>& operations) {
    json::array body;
    for (const auto& one : operations) {
        json::object wrapped;
        if (one.what == operation::kind::put) {
            wrapped["request_put"] = put_body(one.keys.key, one.value, one.lease);
        } else if (one.what == operation::kind::get) {
            wrapped["request_range"] = range_body(one.keys, one.options);
        } else {
            json::object removed;
            add_range(removed, one.keys);
            wrapped["request_delete_range"] = std::move(removed);
        }
        body.push_back(std::move(wrapped));
    }
    return body;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

std::string end_of_prefix(std::string_view prefix) {
    std::string end{prefix};
    while (!end.empty() && end.back() == '\xff')
        end.pop_back();
    if (end.empty()) return std::string(1, '\0');  // etcd's way to say: no end
    ++end.back();
    return end;
}

json::object range_body(const key_range& keys, const range_options& options) {
    json::object body;
    add_range(body, keys);
    if (!keys.after.empty()) body["key"] = base::base64_encode(keys.after + '\0');
    if (!keys.before.empty()) body["range_end"] = base::base64_encode(keys.before);
    if (options.revision > 0) body["revision"] = std::to_string(options.revision);
    if (options.limit > 0) body["limit"] = std::to_string(options.limit);
    if (options.keys_only) body["keys_only"] = true;
    if (options.count_only) body["count_only"] = true;
    if (options.newest_first) {
        body["sort_order"] = "DESCEND";
        body["sort_target"] = "MOD";
    }
    if (options.descending) {
        body["sort_order"] = "DESCEND";
        body["sort_target"] = "KEY";
    }
    return body;
}

json::object put_body(const std::string& key, const std::string& value, std::int64_t lease) {
    json::object body;
    body["key"] = base::base64_encode(key);
    body["value"] = base::base64_encode(value);
    if (lease != 0) body["lease"] = std::to_string(lease);
    return body;
}

json::object txn_body(const txn_request& request) {
    json::object body;
    json::array conditions;
    for (const auto& one : request.conditions)
        conditions.push_back(compare_body(one));
    body["compare"] = std::move(conditions);
    body["success"] = operations_body(request.then);
    body["failure"] = operations_body(request.otherwise);
    return body;
}

std::string watch_body(const std::vector<client::watch_request>& watches) {
    std::string body;
    for (const auto& one : watches) {
        json::object create;
        add_range(create, one.keys);
        create["start_revision"] = std::to_string(one.start_revision);
        create["watch_id"] = std::to_string(one.id);
        create["progress_notify"] = true;
        create["fragment"] = true;
        json::object wrapped;
        wrapped["create_request"] = std::move(create);
        body += json::serialize(wrapped);
    }
    return body;
}

header read_header(const json::object& answer) {
    header result;
    if (const auto* from = object(answer, "header")) {
        result.cluster_id = number<std::uint64_t>(*from, "cluster_id");
        result.revision = number<std::int64_t>(*from, "revision");
    }
    return result;
}

range_result read_range(const json::object& answer) {
    range_result result;
    result.header = read_header(answer);
    result.count = number<std::int64_t>(answer, "count");
    result.more = flag(answer, "more");
    if (const auto* keys = array(answer, "kvs"))
        for (const auto& one : *keys)
            result.keys.push_back(read_key_value(as_object(one, "kvs")));
    return result;
}

txn_result read_txn(const json::object& answer) {
    txn_result result;
    result.header = read_header(answer);
    result.succeeded = flag(answer, "succeeded");
    if (const auto* responses = array(answer, "responses")) {
        for (const auto& one : *responses) {
            const auto* range = object(as_object(one, "responses"), "response_range");
            result.answers.push_back(range != nullptr ? read_range(*range) : range_result{});
        }
    }
    return result;
}

lease_result read_lease(const json::object& answer) {
    lease_result result;
    result.header = read_header(answer);
    result.id = number<std::int64_t>(answer, "ID");
    result.ttl = std::chrono::seconds{number<std::int64_t>(answer, "TTL")};
    return result;
}

event read_event(const json::value& one) {
    const auto& from = as_object(one, "events");
    event result;
    const auto kind = text(from, "type");
    if (kind == "DELETE")
        result.what = event::kind::removed;
    else if (!kind.empty() && kind != "PUT")
        throw bad_answer{"unknown event type '" + kind + "'"};
    const auto* entry = object(from, "kv");
    if (entry == nullptr) throw bad_answer{"an event without its key"};
    result.entry = read_key_value(*entry);
    return result;
}

watch_message read_watch(const json::object& message) {
    watch_message result;
    result.header = read_header(message);
    result.id = number<std::int64_t>(message, "watch_id");
    result.created = flag(message, "created");
    result.canceled = flag(message, "canceled");
    result.fragment = flag(message, "fragment");
    result.compact_revision = number<std::int64_t>(message, "compact_revision");
    result.cancel_reason = text(message, "cancel_reason");
    result.events = array(message, "events");
    return result;
}

error::cause cause_of(int grpc_code, std::string_view message) {
    using cause = error::cause;
    // The sentence decides where one code has several meanings.
    if (contains(message, "CommonName of client") || contains(message, "user name is empty") ||
        contains(message, "invalid auth token") || contains(message, "permission denied") ||
        contains(message, "authentication failed") ||
        contains(message, "authentication is not enabled") ||
        contains(message, "revision of auth store is old"))
        return cause::auth;
    if (contains(message, "has been compacted")) return cause::compacted;
    if (contains(message, "too large") || contains(message, "larger than max"))
        return cause::too_large;
    if (contains(message, "lease not found")) return cause::not_found;
    switch (grpc_code) {
        case 7:   // permission denied
        case 16:  // unauthenticated
            return cause::auth;
        case 4:   // deadline exceeded
        case 8:   // too many requests, no space left for the database
        case 14:  // unavailable
            return cause::no_leader;
        default:
            return cause::invalid;
    }
}

error read_error(unsigned status, std::string_view body) {
    error result;
    result.why = error::cause::protocol;
    result.text = "HTTP status " + std::to_string(status);
    if (contains(body, "CommonName of client")) {
        result.why = error::cause::auth;
        result.text =
            "etcd's gateway refuses a client certificate with a CommonName while authentication is "
            "on; use one without a CommonName and a user with a password";
        return result;
    }
    boost::system::error_code no_json;
    const auto parsed = json::parse(body, no_json);
    const auto* answer = no_json ? nullptr : parsed.if_object();
    if (answer == nullptr) return result;
    try {
        std::string message = text(*answer, "message");
        if (message.empty()) message = text(*answer, "error");
        auto code = number<int>(*answer, "grpc_code");
        if (code == 0) code = number<int>(*answer, "code");
        if (message.empty()) return result;
        result.why = cause_of(code, message);
        result.text = message;
    } catch (const bad_answer&) {
        // Some other JSON: the status says all there is.
    }
    return result;
}

bool token_refused(const error& failure) {
    return failure.why == error::cause::auth &&
           (contains(failure.text, "invalid auth token") ||
            contains(failure.text, "user name is empty") ||
            contains(failure.text, "revision of auth store is old"));
}

}  // namespace logagent::etcd
