#include "merge_patch.hpp"

#include <boost/json/object.hpp>

namespace logagent::web {

void merge_patch(boost::json::value& target, const boost::json::value& patch) {
    if (!patch.is_object()) {
        target = patch;
        return;
    }
    if (!target.is_object()) target = boost::json::object{};
    auto& merged = target.get_object();
    for (const auto& [name, value] : patch.get_object()) {
        if (value.is_null())
            merged.erase(name);
        else
            merge_patch(merged[name], value);
    }
}

}  // namespace logagent::web
