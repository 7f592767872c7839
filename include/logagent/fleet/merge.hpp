#pragma once

#include <string>
#include <vector>

#include "logagent/fleet/logconfig.hpp"

namespace logagent::fleet {

/// The logconfig of one address of this host. `document` must not be broken: who follows the keys
/// keeps the last good one.
struct addressed_logconfig {
    std::string address;
    parsed_logconfig document;
};

struct addressed_error {
    std::string address;
    entry_error error;

    bool operator==(const addressed_error&) const = default;
};

struct merged_logconfig {
    std::vector<log_target> targets;
    std::vector<addressed_error> errors;  // those of the documents, then "conflict" and "limit"
};

/// Whether `a` comes before `b`: IPv4 by number, then IPv6 by number, then other text.
bool address_before(const std::string& a, const std::string& b);

/// One list of targets from all addresses of a host, in the order of address_before(). Equal
/// entries collapse; of two that share path and topic but differ, the one of the first address is
/// used and the other reported. At most 200 targets.
merged_logconfig merge(std::vector<addressed_logconfig> documents);

}  // namespace logagent::fleet
