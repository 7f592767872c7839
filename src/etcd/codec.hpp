#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "logagent/etcd/client.hpp"
#include "logagent/etcd/watch.hpp"

namespace logagent::etcd {

/// Requests and answers of the gateway as JSON. Pure.
///
/// Bytes are base64, 64-bit numbers are strings, and a field with its default value is left out.
/// The read_ functions throw bad_answer where something has another type than etcd gives it.
struct bad_answer : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The end of a range that holds every key beginning with `prefix`.
std::string end_of_prefix(std::string_view prefix);

boost::json::object range_body(const key_range& keys, const range_options& options);
boost::json::object put_body(const std::string& key, const std::string& value, std::int64_t lease);
boost::json::object txn_body(const txn_request& request);
/// One object for each watch, one behind the other.
std::string watch_body(const std::vector<client::watch_request>& watches);

header read_header(const boost::json::object& answer);
range_result read_range(const boost::json::object& answer);
txn_result read_txn(const boost::json::object& answer);
lease_result read_lease(const boost::json::object& answer);
event read_event(const boost::json::value& one);

/// A message of a watch, but for its events.
struct watch_message {
    etcd::header header;
    std::int64_t id = 0;
    bool created = false;
    bool canceled = false;
    bool fragment = false;  // the next message goes on with the same revisions
    std::int64_t compact_revision = 0;
    std::string cancel_reason;
    const boost::json::array* events = nullptr;  // inside the JSON; null: none
};
watch_message read_watch(const boost::json::object& message);

/// What an error answer means. `status` is the HTTP status, 0 inside a stream; `body` its JSON or
/// text.
error read_error(unsigned status, std::string_view body);
/// The same for a reason in words, as a watch gives it when it is canceled.
error::cause cause_of(int grpc_code, std::string_view message);

/// A new token may help.
bool token_refused(const error& failure);

}  // namespace logagent::etcd
