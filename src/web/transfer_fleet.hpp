#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/web/route_check.hpp"

namespace logagent::web {

/// A route as one process runs it.
struct shown_route {
    struct rejection {
        std::string topic;
        std::uint64_t count = 0;
        std::string reason;  // of the last one
        std::string at;      // RFC 3339
    };

    std::string name;
    bool in_etcd = false;       // else from the file of the process
    std::int64_t revision = 0;  // of the key whose value runs; 0 = not told
    std::vector<std::string> topics;
    std::string sink, type, group;
    std::string state, text;  // text: why it does not go
    std::optional<std::int64_t> lag;
    double rate = 0;     // records/s
    double delay_s = 0;  // of the record that was accepted last
    double oldest_s = 0;
    std::uint64_t accepted = 0, repeated = 0, refused = 0, dead_letters = 0;
    std::uint64_t lost_to_retention = 0;
    std::uint64_t partitions = 0;
    std::vector<rejection> rejected;
    boost::json::object retried;  // by class of failure
    boost::json::array parts;     // the partitions that are most behind
};

/// A process of `logagent transfer`, as it shows itself in etcd under its lease.
struct transfer_process {
    struct refusal {
        std::int64_t revision = 0;
        std::string text;
    };

    std::string instance, host, version, started, problem;
    std::vector<known_sink> sinks;
    std::map<std::string, refusal> refused;  // routes in etcd that it does not use
    std::map<std::string, shown_route> routes;
};

/// The processes that live, by instance.
using transfer_fleet = std::map<std::string, transfer_process>;

/// Reads what a process shows; nothing if it is not of this form. What is missing in it has its
/// default: other versions may say less, and more.
std::optional<transfer_process> read_process(std::string_view instance, std::string_view value);

/// Whether a route with these topics ("a", "~shop-.*") reads the topic.
bool takes_topic(const std::vector<std::string>& topics, const std::string& topic);

}  // namespace logagent::web
