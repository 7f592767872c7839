#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

/// A sink as far as it matters for what a route may say; it holds neither addresses nor secrets.
struct sink_outline {
    std::string name;
    std::string type;           // as `type` says
    bool takes_drpc = false;    // storm: it has a url
    bool takes_topics = false;  // storm: it has kafka_addr
};

/// The sinks of these settings.
std::vector<sink_outline> outlines_of(const settings& from);

/// What is wrong with the document of a route for a process with one of these sinks, as the process
/// itself would say it; `sinks` all have the name that the route gives. Empty `sinks`: for no kind
/// of sink it would do. Empty answer: it can be used. The key of a problem is a member's name.
std::vector<base::setting_problem> route_problems(const std::string& name, std::string_view json,
                                                  std::span<const sink_outline> sinks);

}  // namespace logagent::transfer
