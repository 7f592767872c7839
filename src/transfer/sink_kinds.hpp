#pragma once

#include <memory>
#include <string_view>

#include "logagent/transfer/settings.hpp"
#include "logagent/transfer/sink.hpp"

namespace logagent::transfer {

/// One kind of sink: its maker, and what its section has to name. Adding one = its file, and a row.
struct sink_kind {
    sink_type type;
    std::string_view name;  // what `type` says
    std::unique_ptr<sink> (*make)(sink_parts, const sink_settings&, const sink_options&);
    std::string_view needs;        // a key of the sink that must be there, or empty
    std::string_view route_needs;  // the same of its routes
    bool spools = false;           // wants a directory of its own
};

/// nullptr if there is none. A kind whose `make` is nullptr cannot be used by this build.
const sink_kind* find_kind(std::string_view name);
const sink_kind& kind_of(sink_type type);

}  // namespace logagent::transfer
