#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::web {

/// A sink that a process of `logagent transfer` has, as the process shows it.
struct known_sink {
    std::string name;
    std::string type;                // "elasticsearch"
    std::vector<std::string> modes;  // storm: those of "drpc" and "kafka" that it takes
};

/// What is wrong with one member of a route's document.
struct route_complaint {
    std::string pointer;  // RFC 6901
    std::string code;
    std::string detail;
};

/// Judges the document of a route as the process that would run it does. `sinks` all have the name
/// that the document gives; none = the sink is not known, and any kind will do. Programs never
/// include each other, so whoever starts web hands the judge of transfer over.
using route_check = std::function<std::vector<route_complaint>(
    const std::string& name, std::string_view document, const std::vector<known_sink>& sinks)>;

}  // namespace logagent::web
