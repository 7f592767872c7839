#include "logagent/base/escape.hpp"
#include "setting_rows.hpp"

namespace logagent::transfer {

namespace {

using base::problem;
using base::result;
using base::schema_value;
using base::value_kind;

result<void> set_etcd_addr(settings& out, schema_value value) {
    std::vector<http::endpoint> endpoints;
    for (const auto& text : std::get<std::vector<std::string>>(value)) {
        auto parsed = read_endpoint(text);
        if (!parsed) return parsed.error();
        endpoints.push_back(*std::move(parsed));
    }
    for (const auto& one : endpoints)
        if (one.tls != endpoints.front().tls)
            return problem{"value", "some endpoints use https and others do not"};
    out.etcd_addr = std::move(endpoints);
    return {};
}

result<void> set_kafka_addr(settings& out, schema_value value) {
    auto addresses = std::get<std::vector<std::string>>(std::move(value));
    for (const auto& address : addresses)
        if (const auto parsed = read_endpoint(address); !parsed) return parsed.error();
    out.kafka_addr = std::move(addresses);
    return {};
}

result<void> set_group_prefix(settings& out, schema_value value) {
    const auto& prefix = std::get<std::string>(value);
    for (const char c : prefix)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return problem{"value", "allowed: letters, digits, '.', '_' and '-'"};
    if (prefix.empty() || prefix.size() > 100)
        return problem{"value", "allowed: 1 to 100 characters"};
    out.group_prefix = prefix;
    return {};
}

result<void> set_prefix(settings& out, schema_value value) {
    const auto& prefix = std::get<std::string>(value);
    const bool odd = prefix.find('%') != prefix.npos || prefix.find("//") != prefix.npos;
    if (prefix.size() < 2 || prefix.front() != '/' || prefix.back() != '/' || odd)
        return problem{"value", "allowed: a key that begins and ends with '/', such as /logagent/"};
    out.prefix = prefix;
    return {};
}

result<void> set_status_addr(settings& out, schema_value value) {
    const auto& text = std::get<std::string>(value);
    if (text != "off") {
        // Port 0 takes any free one.
        const auto parsed = http::parse_endpoint(text, 1);
        if (!parsed || parsed->tls || text.rfind(':') == text.npos)
            return problem{"value", "allowed: a numeric address with a port, or off"};
    }
    out.status_addr = text;
    return {};
}

result<void> set_log(settings& out, schema_value value) {
    out.log = std::get<std::string>(std::move(value));
    if (out.log.empty()) out.log = "-";
    return {};
}

result<void> set_level(settings& out, schema_value value) {
    out.level = base::parse_log_level(std::get<std::string>(value)).value();
    return {};
}

result<void> set_hardening(settings& out, schema_value value) {
    out.hardening = std::get<std::string>(value) == "on";
    return {};
}

constexpr std::string_view kafka = "Kafka";
constexpr std::string_view etcd = "etcd";
constexpr std::string_view own = "This process";

const setting_row<settings> table[] = {
    {{.name = "kafka_addr",
      .kind = value_kind::list,
      .allowed = "host:port",
      .section = kafka,
      .help = "Brokers that routes read from and dead letters are written to. Needed."},
     set_kafka_addr},
    {{.name = "kafka.<property>",
      .allowed = "the properties that logagent does not set itself",
      .section = kafka,
      .help = "Any allowed property of librdkafka, such as `kafka.security.protocol = SASL_SSL`; "
              "as in agent.ini."},
     nullptr},
    {{.name = "group_prefix",
      .default_text = "logagent",
      .allowed = "letters, digits, `.`, `_`, `-`",
      .section = kafka,
      .help = "A route reads as the consumer group `<group_prefix>.<route>`. Processes with the "
              "same prefix and route share its partitions."},
     set_group_prefix},
    {{.name = "in_flight_bytes",
      .kind = value_kind::integer,
      .default_text = "67108864",
      .least = 4 << 20,
      .most = std::int64_t{1} << 36,
      .unit = "bytes",
      .section = kafka,
      .help = "Memory for records that were fetched and are not stored yet, of all routes "
              "together; each has an equal share, so that a slow sink takes nothing from another."},
     set_number<&settings::in_flight_bytes>},

    {{.name = "etcd_addr",
      .kind = value_kind::list,
      .allowed = "host:port, with http:// or https:// before it",
      .section = etcd,
      .help = "Endpoints of etcd, for routes below `<prefix>_transfer/routes/`. Without it only "
              "the routes of this file run."},
     set_etcd_addr},
    {{.name = "etcd_timeout",
      .kind = value_kind::integer,
      .default_text = "5",
      .least = 1,
      .most = 50,
      .unit = "s",
      .section = etcd,
      .help = "How long one request to etcd may take."},
     set_duration<&settings::etcd_timeout>},
    {{.name = "prefix",
      .default_text = "/logagent/",
      .allowed = "a key that begins and ends with `/`",
      .section = etcd,
      .help = "What all keys of logagent begin with: in the agents' etcd_watch_key the part before "
              "`%s`."},
     set_prefix},
    {{.name = "etcd_user", .section = etcd, .help = "User for etcd's own authentication."},
     set_text<&settings::etcd_user>},
    {{.name = "etcd_password_file",
      .allowed = "absolute path",
      .section = etcd,
      .help = "File whose first line is the password of etcd_user."},
     set_path<&settings::etcd_password_file>},
    {{.name = "etcd_ca",
      .allowed = "absolute path",
      .section = etcd,
      .help = "PEM file of the CA that signed etcd's certificate; without it the system's CAs."},
     set_path<&settings::etcd_ca>},
    {{.name = "etcd_cert",
      .allowed = "absolute path",
      .section = etcd,
      .help = "PEM file of our client certificate."},
     set_path<&settings::etcd_cert>},
    {{.name = "etcd_key",
      .allowed = "absolute path",
      .section = etcd,
      .help = "PEM file of the private key of etcd_cert."},
     set_path<&settings::etcd_key>},

    {{.name = "state_dir",
      .default_text = "/var/lib/logagent/transfer",
      .allowed = "absolute path",
      .section = own,
      .help = "Spools of routes to HDFS, and the routes last seen in etcd; locked."},
     set_path<&settings::state_dir>},
    {{.name = "status_addr",
      .default_text = "127.0.0.1:9490",
      .allowed = "a numeric address with a port, or `off`",
      .section = own,
      .help = "Where `/status`, `/metrics`, `/healthz` and `/readyz` are served."},
     set_status_addr},
    {{.name = "shutdown_timeout",
      .kind = value_kind::integer,
      .default_text = "10",
      .least = 1,
      .most = 3600,
      .unit = "s",
      .section = own,
      .help = "How long a stop waits until what was read is stored; the rest is read again at the "
              "next start."},
     set_duration<&settings::shutdown_timeout>},
    {{.name = "hardening",
      .kind = value_kind::choice,
      .default_text = "on",
      .allowed = "on|off",
      .section = own,
      .help = "Gives up at start what this program does not need: capabilities, starting programs, "
              "writing outside state_dir and the directories of log and of file sinks, reading "
              "outside those of passwords and certificates, other system calls. The log tells "
              "which layers hold."},
     set_hardening},
    {{.name = "log",
      .default_text = "-",
      .allowed = "path; `-` = standard error",
      .section = own,
      .help = "Where the program's own log goes; a file is rotated at 16 MiB, four old ones stay."},
     set_log},
    {{.name = "level",
      .kind = value_kind::choice,
      .default_text = "info",
      .allowed = "trace|debug|info|warn|error",
      .section = own,
      .help = "What is written to it."},
     set_level},
};

}  // namespace

result<http::endpoint> read_endpoint(const std::string& text) {
    auto parsed = http::parse_endpoint(text, 0);
    if (!parsed || parsed->port == 0)
        return problem{"value", "'" + base::visible(text, 80) +
                                    "' is not host:port; allowed: host:port, 10.0.0.1:port or "
                                    "[fd00::1]:port"};
    return *std::move(parsed);
}

std::span<const setting_row<settings>> general_table() {
    return table;
}

std::span<const base::schema_row> general_rows() {
    static const auto rows = rows_of(general_table());
    return rows;
}

}  // namespace logagent::transfer
