#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fleet_state.hpp"
#include "logagent/http/message.hpp"

namespace logagent::web {

/// One service on its way to its next revision.
struct service_change {
    std::string name;
    std::int64_t base = 0;               // mod_revision of what it replaces; 0 = nothing
    std::int64_t number = 1;             // of the new revision
    std::optional<fleet::service> next;  // nullopt = it is removed
    std::int64_t rolling = 0;  // mod_revision of the key of its rollout; 0 = it is in none
};

/// The number of the last revision, which outlives a deletion; 0 = there has never been one.
boost::asio::awaitable<std::int64_t> last_revision(parts& with, std::string name);

/// Checks If-Match and If-None-Match against a service (null: there is none); throws `refused` (428
/// without them, 412 with the current document, 400).
void require_state(const http::request& asked, const stored_service* now, const std::string& name);

/// The document of a revision; throws `refused` (404).
boost::asio::awaitable<boost::json::object> load_revision(parts& with, std::string name,
                                                          std::int64_t number);

/// The definition that it holds; throws `refused` (409) for a deletion.
fleet::service definition_of(const boost::json::object& revision);

/// Throws `refused` (409): while a service is rolled out nothing else may change it.
void refuse_rolling(const fleet_state& state, const std::string& name);

/// Puts the change into a state, as if it had been made.
void replace(fleet_state& in, const service_change& edit);

/// What the service's key will hold: the definition, "revision", "updated_at" and "updated_by";
/// empty for a removal.
boost::json::object stored_form(const exchange& one, const service_change& edit);

/// Adds the service's key, its revision document, and what both compare with.
void add_change(parts& with, const exchange& one, const service_change& edit, change& to);

}  // namespace logagent::web
