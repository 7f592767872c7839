#pragma once

#include <chrono>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/log.hpp"
#include "logagent/base/setting.hpp"
#include "logagent/http/client.hpp"

namespace logagent::web {

/// Everything web.ini can say. Secrets are not in here, only the names of their files.
struct settings {
    http::endpoint listen{"127.0.0.1", 9480, false};

    // etcd
    std::vector<http::endpoint> etcd_addr;
    std::chrono::seconds etcd_timeout{5};
    std::string etcd_user;
    std::string etcd_password_file;
    std::string etcd_ca;
    std::string etcd_cert;
    std::string etcd_key;
    std::string prefix = "/logagent/";  // of all our keys; begins and ends with '/'

    // What of the history stays
    std::size_t keep_revisions = 200;  // of each service, at least 1
    std::int64_t revision_days = 365;  // 0 = any age
    std::size_t audit_records = 100'000;
    std::int64_t audit_days = 365;  // 0 = any age

    // Kafka
    std::vector<std::string> kafka_addr;                 // host:port each
    std::map<std::string, base::written_setting> kafka;  // without the prefix "kafka."

    std::string state_dir = "/var/lib/logagent/web";
    std::string tls_cert;  // empty = plain HTTP, on loopback
    std::string tls_key;
    std::string tls_client_ca;  // empty = clients need no certificate
    std::string ui_dir;         // empty = the pages inside the program
    bool hardening = true;      // os::confine() at start

    // The program's own log
    std::string log = "-";  // path, "-" = standard error
    base::log_level level = base::log_level::info;

    /// Keys that the file or `--set` names; the others have their default.
    std::set<std::string, std::less<>> given;

    bool has(std::string_view key) const { return given.contains(key); }
};

struct loaded_settings {
    web::settings settings;
    std::vector<base::setting_problem> problems;  // all of them; usable only if there are none
};

/// Reads the text of web.ini, then `overrides` ("key=value"), which win. Nothing but the text is
/// looked at.
loaded_settings load_settings(std::string_view text, const std::string& file,
                              std::span<const std::string> overrides = {});

/// Every key of web.ini. `kafka.<property>` stands as one row.
std::span<const base::schema_row> setting_rows();

}  // namespace logagent::web
