#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <string>

#include "exchange.hpp"
#include "parts.hpp"

namespace logagent::web {

/// The value of `_cmd/<host>/<id>`. `instance` empty = for whoever reports under the name.
std::string command_value(const std::string& instance, std::string_view name,
                          boost::json::object arguments);

/// The instance that reports under this name now; throws `refused`: 404 for an unknown host, 409
/// `host_offline` where nobody would answer.
std::string instance_of(const parts& with, const std::string& host);

/// Gives the agent a command and waits for its last answer, which is taken away with the command.
/// Throws `refused` with 504 `no_answer` at the deadline, or when etcd does not answer.
boost::asio::awaitable<boost::json::object> ask_agent(parts& with, std::string host,
                                                      std::string value,
                                                      std::chrono::seconds limit);

/// What became of a replay, out of its document, its command (empty = gone) and its answer (empty =
/// none): `state` is sent, accepted, running, done, failed, cancelled or expired. Pure.
boost::json::object shown_replay(const std::string& id, const boost::json::object& document,
                                 bool command_stands, const boost::json::object& answer);

/// The arguments of a replay out of a request's body; throws `refused` (422). Pure.
boost::json::object read_replay_arguments(const boost::json::object& body);

}  // namespace logagent::web
