#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/log.hpp"
#include "logagent/base/setting.hpp"
#include "logagent/http/client.hpp"
#include "logagent/transfer/document.hpp"
#include "logagent/transfer/settings.hpp"

namespace logagent::transfer {

/// Where a group begins that has committed nothing yet.
struct start_point {
    enum class kind { earliest, latest, time };
    kind at = kind::earliest;
    std::int64_t time_ms = 0;  // wall clock, for `time`

    bool operator==(const start_point&) const = default;
};

/// A section [route.NAME], or a key /logagent/_transfer/routes/NAME.
struct route_settings {
    std::string name;
    std::vector<std::string> topics;  // names
    std::string pattern;              // what stood behind `~`; empty = `topics`
    std::string sink;                 // its name
    start_point from;
    std::uint32_t dedupe_records = 100'000;  // 0 = no filter
    std::uint32_t dead_letter_percent = 10;  // of the last 1000 records; 100 = no guard
    std::chrono::seconds drain_timeout{10};
    document_options documents;
    sink_options options;
    std::string letters_of;  // dead letters that are read again: only those of this route
    std::string written;     // key=value, as given: whether something changed
};

/// Everything transfer.ini can say. Secrets are not in here, only the names of their files; those
/// of Kafka are in `kafka`, which is never printed.
struct settings {
    std::vector<std::string> kafka_addr;                 // host:port each
    std::map<std::string, base::written_setting> kafka;  // without the prefix "kafka."
    std::string group_prefix = "logagent";

    std::vector<http::endpoint> etcd_addr;  // empty = routes of the file only
    std::chrono::seconds etcd_timeout{5};
    std::string etcd_user;
    std::string etcd_password_file;
    std::string etcd_ca;
    std::string etcd_cert;
    std::string etcd_key;
    std::string prefix = "/logagent/";

    std::string state_dir = "/var/lib/logagent/transfer";
    std::string status_addr = "127.0.0.1:9490";  // "off" = none
    std::uint64_t in_flight_bytes = 64u << 20;
    std::chrono::seconds shutdown_timeout{10};
    bool hardening = true;  // os::confine() at start
    std::string log = "-";
    base::log_level level = base::log_level::info;

    std::vector<sink_settings> sinks;
    std::vector<route_settings> routes;
};

/// A sink or a route that cannot be used; the others run.
struct refused_section {
    std::string name;  // "route.web", "sink.search"
    std::vector<base::setting_problem> problems;
};

struct loaded_settings {
    transfer::settings settings;
    std::vector<base::setting_problem> problems;  // of the general part; usable only without
    std::vector<refused_section> refused;
};

/// Reads the text of transfer.ini, then `overrides`: "key=value", "sink.NAME.key=value" or
/// "route.NAME.key=value", which win. Nothing but the text is looked at.
loaded_settings load_settings(std::string_view text, const std::string& file,
                              std::span<const std::string> overrides = {});

/// A route as it stands in etcd: a JSON object with the fields of a section.
struct loaded_route {
    std::optional<route_settings> route;
    std::vector<base::setting_problem> problems;
};
loaded_route load_route(const std::string& name, std::string_view json, const std::string& where,
                        const std::vector<sink_settings>& sinks);

/// The table of kinds. `name` is what `type` says.
std::string_view name(sink_type type);

/// Whether the expression of a route takes the topic.
bool topic_matches(const std::string& pattern, const std::string& topic);

/// "2026-11-30T16:20:00Z", with a fraction or an offset if need be; milliseconds since 1970.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

/// Every key, for the reference document and for `check`.
std::span<const base::schema_row> general_rows();
std::span<const base::schema_row> sink_rows();
std::span<const base::schema_row> route_rows();
std::string settings_reference();  // markdown

/// What a route does, in one line: "reads web, app from the oldest record as group logagent.web;
/// goes to sink out (file)".
std::string explain(const route_settings& route, const settings& of);

}  // namespace logagent::transfer
