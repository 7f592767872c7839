#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/json.hpp"
#include "logagent/fleet/logconfig.hpp"

namespace logagent::fleet {

using label_map = std::map<std::string, std::string, std::less<>>;

/// One machine of the fleet, as the inventory holds it:
/// `{"host","ips","primary_ip","labels","source"}`.
///
/// `primary_ip` names the one key that web writes for the host; it is one of `ips`, or empty where
/// no address is known yet. Addresses are kept in the form of to_text().
struct host {
    std::string name;
    std::vector<std::string> ips;  // in the order of address_before(), each once
    std::string primary_ip;
    label_map labels;
    std::string source;         // who owns the document: "agent", "ui", a CMDB's name
    boost::json::object extra;  // fields that this version does not know; kept

    /// Its agent holds the lease of its status now. Known to who reads etcd; not in the document.
    bool live = false;
};

struct parsed_host {
    host value;
    std::vector<entry_error> errors;  // any one refuses the document
};

/// Reads a document of a request. An unknown field is an error ("unknown_field"), unless `stored`
/// holds the very same; the unknown fields of `stored` are kept in any case.
///
/// Other codes: those of base::json_error, "name", "address", "label", "limit", "range".
parsed_host read_host(const boost::json::value& document, const host* stored = nullptr);

/// Reads a document from etcd: unknown fields are kept.
parsed_host parse_stored_host(std::string_view json);

boost::json::object to_json(const host& one);

/// What an agent says about itself in its status document.
struct reported_host {
    std::string name;
    std::string instance;
    std::string version;
    std::vector<std::string> ips;  // as in host
    std::string state;             // "healthy", "degraded"
    std::string config_state;      // "applied", "failed", "waiting"
    std::string applied_hash;      // compare with rendering::applied_hash(); "" = nothing applied
    std::optional<std::int64_t> applied_revision;
};

/// Reads the value of `_status/<host>`. Lenient, since agents of several versions write it: only
/// `host` must be there; what is not an address is left out. Codes of base::json_error.
base::json_result<reported_host> parse_status(std::string_view json);

/// The host as it stands after its agent spoke: addresses are the reported ones, labels stay.
/// The primary address stays while it is still reported, or else is the first one: a key that moves
/// without need would be two keys for a while. An agent without addresses changes nothing.
host learn(std::optional<host> known, const reported_host& reported);

}  // namespace logagent::fleet
