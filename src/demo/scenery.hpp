#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "demo/sample.hpp"
#include "logagent/kafka/mock_cluster.hpp"

namespace logagent::demo {

/// A host of the demo: an agent with a name and an address of its own. The addresses are of a range
/// for documentation, so they are nobody's.
struct host {
    std::string_view name;
    std::string_view address;
    std::string_view role;
};

/// A log, who writes it and how fast, and the service that collects it.
struct log {
    std::string_view path;     // below the demo's directory
    std::string_view service;  // its name, which is its topic's as well
    sample_kind kind;
    std::uint32_t events_per_s;
    bool rotates;  // now and then, by renaming
};

std::span<const host> hosts();
std::span<const log> logs();
std::vector<kafka::mock_cluster::topic> topics();

/// A service as the API takes it, with its name; paths are below `directory`.
struct definition {
    std::string name;
    boost::json::object document;
};
std::vector<definition> definitions(const std::string& directory);

}  // namespace logagent::demo
