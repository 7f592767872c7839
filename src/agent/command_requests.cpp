#include "command_requests.hpp"

#include "logagent/base/json.hpp"

namespace logagent::agent {

namespace {

etcd::operation putting(std::string key, std::string value, std::int64_t lease) {
    etcd::operation out;
    out.what = etcd::operation::kind::put;
    out.keys.key = std::move(key);
    out.value = std::move(value);
    out.lease = lease;
    return out;
}

}  // namespace

std::string command_requests::command_key(const command_book::key& which) const {
    return prefix_ + "_cmd/" + which.first + "/" + which.second;
}

std::string command_requests::result_key(const command_book::key& which) const {
    return prefix_ + "_result/" + which.first + "/" + which.second;
}

std::string command_requests::id_in(const std::string& host, const std::string& whole) const {
    return whole.substr(command_key({host, ""}).size());
}

etcd::txn_request command_requests::hold(const command_entry& entry, std::string result,
                                         std::int64_t lease) const {
    etcd::txn_request out;
    const command_book::key which{entry.host, entry.id};
    out.then.push_back(putting(command_key(which), entry.value, lease));
    out.then.push_back(putting(result_key(which), std::move(result), lease));
    return out;
}

etcd::txn_request command_requests::accept(const command_entry& entry, std::string result,
                                           std::int64_t lease) const {
    auto out = hold(entry, std::move(result), lease);
    etcd::compare unchanged;
    unchanged.key = command_key({entry.host, entry.id});
    unchanged.what = etcd::compare::target::mod_revision;
    unchanged.number = entry.revision;
    out.conditions.push_back(std::move(unchanged));
    return out;
}

etcd::txn_request command_requests::renew(const command_entry& entry, std::string result,
                                          std::int64_t lease) const {
    auto out = hold(entry, std::move(result), lease);
    etcd::compare exists;
    exists.key = command_key({entry.host, entry.id});
    exists.what = etcd::compare::target::version;
    exists.is = etcd::compare::relation::greater;
    out.conditions.push_back(std::move(exists));
    return out;
}

etcd::txn_request command_requests::answer(const command_entry& entry, std::string result,
                                           std::int64_t lease) const {
    etcd::txn_request out;
    const command_book::key which{entry.host, entry.id};
    out.then.push_back(putting(result_key(which), std::move(result), lease));
    etcd::operation gone;
    gone.what = etcd::operation::kind::remove;
    gone.keys.key = command_key(which);
    out.then.push_back(std::move(gone));
    return out;
}

bool is_final_result(std::string_view value) {
    const auto parsed = base::parse_json(value);
    if (!parsed || !parsed->is_object()) return false;
    const auto* state = parsed->get_object().if_contains("state");
    return state && state->is_string() &&
           (state->get_string() == "done" || state->get_string() == "failed");
}

bool is_refused(const etcd::error& failure) {
    return failure.why == etcd::error::cause::too_large ||
           failure.why == etcd::error::cause::invalid;
}

}  // namespace logagent::agent
