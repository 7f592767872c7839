#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "logagent/fleet/entry_change.hpp"
#include "logagent/fleet/service.hpp"

namespace logagent::fleet {

/// What differs between two revisions of a service, for its history.
struct service_diff {
    std::vector<field_change> fields;   // all but `files`; members of `hosts` as "hosts.list"
    std::vector<entry_change> entries;  // by path and topic; in the order of `after`, then removed

    bool empty() const { return fields.empty() && entries.empty(); }
};

service_diff diff(const service& before, const service& after);

/// `{"fields":[...],"entries":[...]}`.
boost::json::object to_json(const service_diff& diff);

}  // namespace logagent::fleet
