#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fleet_state.hpp"

namespace logagent::web {

/// One service on its way to its next revision.
struct service_change {
    std::string name;
    std::int64_t base = 0;               // mod_revision of what it replaces; 0 = nothing
    std::int64_t number = 1;             // of the new revision
    std::optional<fleet::service> next;  // nullopt = it is removed
};

/// The number of the last revision, which outlives a deletion; 0 = there has never been one.
boost::asio::awaitable<std::int64_t> last_revision(parts& with, std::string name);

/// Puts the change into a state, as if it had been made.
void replace(fleet_state& in, const service_change& edit);

/// What the service's key will hold: the definition, "revision", "updated_at" and "updated_by";
/// empty for a removal.
boost::json::object stored_form(const exchange& one, const service_change& edit);

/// Adds the service's key, its revision document, and what both compare with.
void add_change(parts& with, const exchange& one, const service_change& edit, change& to);

}  // namespace logagent::web
