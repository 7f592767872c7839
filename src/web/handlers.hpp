#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "exchange.hpp"
#include "logagent/http/message.hpp"
#include "parts.hpp"

namespace logagent::web {

using answering = boost::asio::awaitable<http::response>;

// What the endpoints do; endpoint.cpp says which is which. They throw `refused`.

answering show_health(parts& with, exchange& one);
answering show_readiness(parts& with, exchange& one);
answering show_metrics(parts& with, exchange& one);
answering show_version(parts& with, exchange& one);
answering show_openapi(parts& with, exchange& one);
answering show_whoami(parts& with, exchange& one);

answering begin_session(parts& with, exchange& one);
answering end_session(parts& with, exchange& one);

answering list_tokens(parts& with, exchange& one);
answering create_token(parts& with, exchange& one);
answering delete_token(parts& with, exchange& one);

answering list_services(parts& with, exchange& one);
answering show_service(parts& with, exchange& one);
answering put_service(parts& with, exchange& one);
answering patch_service(parts& with, exchange& one);
answering delete_service(parts& with, exchange& one);
answering list_revisions(parts& with, exchange& one);
answering show_service_status(parts& with, exchange& one);
answering diff_service(parts& with, exchange& one);
answering show_revision(parts& with, exchange& one);
answering roll_back_service(parts& with, exchange& one);

answering plan_services(parts& with, exchange& one);
answering apply_plan(parts& with, exchange& one);
answering show_drift(parts& with, exchange& one);
answering repair_drift(parts& with, exchange& one);
answering adopt_drift(parts& with, exchange& one);

answering create_rollout(parts& with, exchange& one);
answering list_rollouts(parts& with, exchange& one);
answering show_rollout(parts& with, exchange& one);
answering list_rollout_hosts(parts& with, exchange& one);
answering pause_rollout(parts& with, exchange& one);
answering resume_rollout(parts& with, exchange& one);
answering promote_rollout(parts& with, exchange& one);
answering abort_rollout(parts& with, exchange& one);

answering sync_services(parts& with, exchange& one);
answering sync_hosts(parts& with, exchange& one);
answering label_hosts(parts& with, exchange& one);
answering export_all(parts& with, exchange& one);
answering import_all(parts& with, exchange& one);

answering list_hosts(parts& with, exchange& one);
answering match_hosts(parts& with, exchange& one);
answering forget_host(parts& with, exchange& one);
answering show_host_config(parts& with, exchange& one);
answering show_host(parts& with, exchange& one);

answering patch_labels(parts& with, exchange& one);

answering list_audit(parts& with, exchange& one);

answering follow_events(parts& with, exchange& one);
answering follow_lines(parts& with, exchange& one);

answering show_rates(parts& with, exchange& one);
answering list_files(parts& with, exchange& one);
answering show_why(parts& with, exchange& one);

answering list_routes(parts& with, exchange& one);
answering show_route(parts& with, exchange& one);
answering put_route(parts& with, exchange& one);
answering delete_route(parts& with, exchange& one);
answering list_processes(parts& with, exchange& one);

answering list_paths(parts& with, exchange& one);
answering create_replay(parts& with, exchange& one);
answering list_replays(parts& with, exchange& one);
answering show_one_replay(parts& with, exchange& one);
answering cancel_replay(parts& with, exchange& one);

/// Whether who asked may still get what he asked for: his token stands, and his session, if that
/// let him in.
std::function<bool()> still_allowed(parts& with, const exchange& one);

/// An answer of type application/json with that status.
http::response json_answer(const boost::json::value& body, unsigned status = 200);

}  // namespace logagent::web
