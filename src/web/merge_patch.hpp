#pragma once

#include <boost/json/value.hpp>

namespace logagent::web {

/// JSON Merge Patch (RFC 7396): members of an object are merged, null removes one, everything else
/// replaces. Depth is that of the patch, which the parser has limited.
void merge_patch(boost::json::value& target, const boost::json::value& patch);

}  // namespace logagent::web
