#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/log.hpp"
#include "logagent/base/schema.hpp"
#include "logagent/base/setting.hpp"

namespace logagent::agent {

/// A host and port to connect to or to listen on.
struct endpoint {
    std::string host;  // name or address; IPv6 without its brackets
    std::uint16_t port = 0;
    bool tls = false;

    bool operator==(const endpoint&) const = default;
};

/// One `kafka.<property>`, as written: the kafka folder decides what is allowed.
struct kafka_property {
    std::string value;
    std::string where;  // for its message: "agent.ini:12", or "--set"

    bool operator==(const kafka_property&) const = default;
};

/// Everything agent.ini can say. Secrets are not in here, only the names of their files.
struct settings {
    // etcd
    std::vector<endpoint> etcd_addr;
    std::chrono::seconds etcd_timeout{5};
    std::string etcd_watch_key = "/logagent/%s/logconfig";
    std::string etcd_user;
    std::string etcd_password_file;
    std::string etcd_ca;
    std::string etcd_cert;
    std::string etcd_key;

    // Kafka
    std::vector<std::string> kafka_addr;          // host:port each
    std::map<std::string, kafka_property> kafka;  // without the prefix "kafka."

    // This host
    std::string host;              // empty = the host name
    std::vector<std::string> ips;  // empty = `ips_rule` decides
    enum class ips_rule : std::uint8_t { automatic, all, listed } ips_from = ips_rule::automatic;
    std::string state_dir = "/var/lib/logagent";
    endpoint status_addr{"127.0.0.1", 9470, false};
    bool status_on = true;

    // What may be read, and where to
    std::vector<std::string> allow_paths;
    std::vector<std::string> deny_paths;
    std::vector<std::string> allow_topics;
    bool allow_hardlinks = false;
    bool allow_network_fs = false;
    bool hardening = true;  // os::confine() at start

    // Pace and memory
    std::uint64_t max_send_rate_bytes = 0;  // bytes/s; 0 = none
    std::uint64_t in_flight_bytes = 16'777'216;
    std::uint64_t held_deleted_bytes = 1'073'741'824;
    std::chrono::milliseconds read_window{10};  // 0 = at once
    std::chrono::seconds shutdown_timeout{10};

    // The agent's own log
    std::string log = "-";  // path, "-" = standard error
    base::log_level level = base::log_level::info;

    /// Keys that the file or `--set` names; the others have their default.
    std::set<std::string, std::less<>> given;

    bool has(std::string_view key) const { return given.contains(key); }

    /// The part of etcd_watch_key before "%s": where all our keys lie.
    std::string etcd_prefix() const;
    /// etcd_watch_key for one address.
    std::string watch_key(std::string_view ip) const;
};

using settings_problem = base::setting_problem;

struct loaded_settings {
    agent::settings settings;
    std::vector<settings_problem> problems;  // all of them; usable only if there are none
    std::vector<std::string> notes;          // to be said once in the log
};

/// Reads the text of agent.ini, then `overrides` ("key=value", from --set), which win. Nothing but
/// the text is looked at: no file, no host name, no network.
loaded_settings load_settings(std::string_view text, const std::string& file,
                              std::span<const std::string> overrides = {});

/// Keys that the agent cannot do without when it takes its targets from etcd, or sends to Kafka.
std::vector<settings_problem> missing_settings(const settings& loaded, const std::string& file,
                                               bool needs_etcd, bool needs_kafka);

/// Every key of agent.ini; what load_settings() works from. `kafka.<property>` stands as one row.
std::span<const base::schema_row> setting_rows();

/// docs/configuration.md: the keys of agent.ini and the fields of a logconfig entry.
std::string configuration_reference();

}  // namespace logagent::agent
