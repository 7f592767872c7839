#include "logagent/fleet/merge_patch.hpp"

#include <boost/json/object.hpp>
#include <utility>

namespace logagent::fleet {

namespace json = boost::json;

json::value merge_patch(json::value target, const json::value& patch) {
    if (!patch.is_object()) return patch;
    // What is no object is replaced by one: a patch of members never fails.
    if (!target.is_object()) target.emplace_object();
    auto& members = target.get_object();
    for (const auto& change : patch.get_object()) {
        if (change.value().is_null()) {
            // The order of the others stays, so that a document keeps its look.
            members.stable_erase(change.key());
            continue;
        }
        auto& member = members[change.key()];
        member = merge_patch(std::move(member), change.value());
    }
    return target;
}

}  // namespace logagent::fleet
