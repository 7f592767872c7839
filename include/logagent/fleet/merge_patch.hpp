#pragma once

#include <boost/json/value.hpp>

namespace logagent::fleet {

/// JSON Merge Patch (RFC 7396): members of `patch` replace those of `target`, null removes one, an
/// array replaces an array as a whole.
boost::json::value merge_patch(boost::json::value target, const boost::json::value& patch);

}  // namespace logagent::fleet
