#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "logagent/http/server.hpp"
#include "route_figures.hpp"

namespace logagent::transfer {

/// What the status shows.
struct transfer_status {
    std::string started;     // RFC 3339
    std::string kafka_text;  // why Kafka cannot be reached for dead letters; empty = it can
    std::uint64_t dead_letters_waiting = 0;
    std::vector<std::string> refused;  // sections and keys that are not used, with the reason
    std::string etcd_text;             // why etcd is not there; empty = it is, or is not wanted
    std::vector<route_figures> routes;
};

class status_source {
public:
    virtual ~status_source() = default;
    virtual transfer_status status() const = 0;
};

/// The document of /status.
std::string status_json(const transfer_status& now);
/// The page of /metrics.
std::string status_metrics(const transfer_status& now);
/// Why work is not done as it should be, or an empty text: the answer of /readyz.
std::string not_ready(const transfer_status& now);

/// /status, /metrics, /healthz and /readyz over `from`, which must outlive them.
std::vector<http::route> status_routes(const status_source& from);

}  // namespace logagent::transfer
