#include "agent/setting_table.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/glob.hpp"

namespace logagent::agent {

namespace {

using base::problem;
using base::result;
using base::schema_value;
using base::value_kind;
using texts = std::vector<std::string>;

problem not_allowed(std::string text) {
    return {"value", std::move(text)};
}

bool is_ip(const std::string& text) {
    unsigned char room[16];
    return ::inet_pton(AF_INET, text.c_str(), room) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), room) == 1;
}

bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    });
}

/// "name:port", "1.2.3.4:port" or "[::1]:port".
result<endpoint> parse_endpoint(std::string_view text) {
    const auto refused = [&](std::string_view why) {
        return not_allowed("'" + base::visible(text, 80) + "' " + std::string{why} +
                           "; allowed: host:port, 10.0.0.1:port or [fd00::1]:port");
    };
    const auto colon = text.rfind(':');
    if (colon == text.npos) return refused("has no port");
    const auto port = base::parse_unsigned(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return refused("has no port from 1 to 65535");
    std::string host{text.substr(0, colon)};
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        if (!is_ip(host)) return refused("is no IPv6 address");
    } else if (!is_host(host)) {
        return refused("names no host");
    }
    return endpoint{std::move(host), static_cast<std::uint16_t>(*port)};
}

template <class Value>
Value take(schema_value& value) {
    return std::get<Value>(std::move(value));
}

template <auto Member>
result<void> set_text(settings& out, schema_value value) {
    out.*Member = take<std::string>(value);
    return {};
}

template <auto Member>
result<void> set_number(settings& out, schema_value value) {
    using type = std::remove_reference_t<decltype(out.*Member)>;
    out.*Member = static_cast<type>(take<std::int64_t>(value));
    return {};
}

result<void> set_hardening(settings& out, schema_value value) {
    out.hardening = take<std::string>(value) == "on";
    return {};
}

template <auto Member>
result<void> set_boolean(settings& out, schema_value value) {
    out.*Member = take<bool>(value);
    return {};
}

template <auto Member>
result<void> set_path(settings& out, schema_value value) {
    auto path = take<std::string>(value);
    if (!path.starts_with('/')) return not_allowed("not an absolute path");
    out.*Member = std::move(path);
    return {};
}

template <auto Member>
result<void> set_globs(settings& out, schema_value value) {
    auto globs = take<texts>(value);
    for (const auto& glob : globs) {
        if (const auto why = base::glob_problem(glob))
            return not_allowed("'" + base::visible(glob, 80) + "': " + *why);
        if (Member != &settings::allow_topics && !glob.starts_with('/') && !glob.starts_with("**/"))
            return not_allowed("'" + base::visible(glob, 80) +
                               "' begins with neither '/' nor '**/'");
    }
    out.*Member = std::move(globs);
    return {};
}

result<void> set_etcd_addr(settings& out, schema_value value) {
    std::vector<endpoint> endpoints;
    for (std::string_view text : take<texts>(value)) {
        const bool tls = text.starts_with("https://");
        if (tls) text.remove_prefix(8);
        if (text.starts_with("http://")) text.remove_prefix(7);
        if (text.ends_with('/')) text.remove_suffix(1);
        auto parsed = parse_endpoint(text);
        if (!parsed) return parsed.error();
        parsed->tls = tls;
        endpoints.push_back(*std::move(parsed));
    }
    if (std::any_of(endpoints.begin(), endpoints.end(),
                    [&](const endpoint& one) { return one.tls != endpoints.front().tls; }))
        return not_allowed("some endpoints use https and others do not");
    out.etcd_addr = std::move(endpoints);
    return {};
}

result<void> set_watch_key(settings& out, schema_value value) {
    auto key = take<std::string>(value);
    const auto at = key.find("%s");
    if (at == key.npos || key.find('%', at + 1) != key.npos || key.find('%') != at)
        return not_allowed("allowed: a key with exactly one %s, which stands for the address");
    if (at == 0 || key[at - 1] != '/')
        return not_allowed(
            "allowed: a '/' before %s; what stands before it is the prefix of all keys");
    out.etcd_watch_key = std::move(key);
    return {};
}

result<void> set_kafka_addr(settings& out, schema_value value) {
    auto addresses = take<texts>(value);
    for (const auto& address : addresses)
        if (const auto parsed = parse_endpoint(address); !parsed) return parsed.error();
    out.kafka_addr = std::move(addresses);
    return {};
}

result<void> set_ips(settings& out, schema_value value) {
    auto list = take<texts>(value);
    out.ips.clear();
    if (list == texts{"auto"} || list == texts{"all"}) {
        out.ips_from = list[0] == "all" ? settings::ips_rule::all : settings::ips_rule::automatic;
        return {};
    }
    for (const auto& ip : list)
        if (!is_ip(ip))
            return not_allowed("'" + base::visible(ip, 80) +
                               "' is no address; allowed: auto, all, or a list of addresses");
    if (list.empty()) return not_allowed("allowed: auto, all, or a list of addresses");
    out.ips_from = settings::ips_rule::listed;
    out.ips = std::move(list);
    return {};
}

result<void> set_status_addr(settings& out, schema_value value) {
    const auto text = take<std::string>(value);
    out.status_on = text != "off";
    if (!out.status_on) return {};
    auto parsed = parse_endpoint(text);
    if (!parsed) return not_allowed(parsed.error().text + ", or off");
    out.status_addr = *std::move(parsed);
    return {};
}

result<void> set_host(settings& out, schema_value value) {
    auto name = take<std::string>(value);
    if (!is_host(name)) return not_allowed("allowed: 1 to 253 of a-z A-Z 0-9 . _ -");
    out.host = std::move(name);
    return {};
}

result<void> set_etcd_timeout(settings& out, schema_value value) {
    out.etcd_timeout = std::chrono::seconds{take<std::int64_t>(value)};
    return {};
}

result<void> set_shutdown_timeout(settings& out, schema_value value) {
    out.shutdown_timeout = std::chrono::seconds{take<std::int64_t>(value)};
    return {};
}

result<void> set_read_window(settings& out, schema_value value) {
    out.read_window = std::chrono::milliseconds{take<std::int64_t>(value)};
    return {};
}

result<void> set_level(settings& out, schema_value value) {
    out.level = base::parse_log_level(take<std::string>(value)).value();
    return {};
}

result<void> set_log(settings& out, schema_value value) {
    auto path = take<std::string>(value);
    if (path.empty()) path = "-";
    out.log = std::move(path);
    return {};
}

result<void> ignore(settings&, schema_value) {
    return {};
}

constexpr std::string_view etcd = "etcd";
constexpr std::string_view kafka = "Kafka";
constexpr std::string_view host = "This host";
constexpr std::string_view rights = "What may be read, and where to";
constexpr std::string_view pace = "Pace and memory";
constexpr std::string_view own_log = "The agent's own log";

constexpr std::int64_t tebibyte = std::int64_t{1} << 40;

const setting table[] = {
    {{.name = "etcd_addr",
      .kind = value_kind::list,
      .allowed = "host:port, with http:// or https:// before it",
      .section = etcd,
      .help = "Endpoints of etcd; `https://` means TLS. Needed unless targets are named locally."},
     set_etcd_addr},
    {{.name = "etcd_timeout",
      .kind = value_kind::integer,
      .default_text = "5",
      .least = 1,
      .most = 3600,
      .unit = "s",
      .section = etcd,
      .help = "How long one request to etcd may take."},
     set_etcd_timeout},
    {{.name = "etcd_watch_key",
      .default_text = "/logagent/%s/logconfig",
      .allowed = "a key with one `%s`, after a `/`",
      .section = etcd,
      .help =
          "Key of this host's targets; `%s` is each of its addresses. What stands before `%s` is "
          "the prefix of all keys of logagent."},
     set_watch_key},
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

    {{.name = "kafka_addr",
      .kind = value_kind::list,
      .allowed = "host:port",
      .section = kafka,
      .help = "Brokers to begin with; the others are learned from them."},
     set_kafka_addr},
    {{.name = "kafka.<property>",
      .allowed = "the properties that logagent does not set itself",
      .section = kafka,
      .help = "Any allowed property of librdkafka, such as `kafka.security.protocol = SASL_SSL`. "
              "`kafka.sasl.password_file` names the file that holds the password. Without them: "
              "lz4, linger 5 ms."},
     nullptr},
    {{.name = "thread_num",
      .kind = value_kind::integer,
      .default_text = "4",
      .least = 0,
      .most = 1'000'000,
      .section = kafka,
      .help = "Accepted for old files and without effect: the agent has one thread."},
     ignore},

    {{.name = "host",
      .default_text = "",
      .allowed = "1 to 253 of a-z A-Z 0-9 . _ -; default: the host name",
      .section = host,
      .help = "Name of this host in records and status."},
     set_host},
    {{.name = "ips",
      .kind = value_kind::list,
      .default_text = "auto",
      .allowed = "`auto`, `all`, or addresses",
      .section = host,
      .help = "Addresses whose keys are read: `auto` = every global-unicast IPv4 and IPv6 address "
              "but those of bridges, veth and tun devices; `all` = those too."},
     set_ips},
    {{.name = "state_dir",
      .default_text = "/var/lib/logagent",
      .allowed = "absolute path",
      .section = host,
      .help =
          "Positions, last good configuration and identity; one agent at a time, mode 0700. With "
          "--file or --logconfig the default is $XDG_STATE_HOME/logagent."},
     set_path<&settings::state_dir>},
    {{.name = "status_addr",
      .default_text = "127.0.0.1:9470",
      .allowed = "host:port, or `off`",
      .section = host,
      .help = "Where /status, /metrics, /healthz and /readyz are served."},
     set_status_addr},

    {{.name = "allow_paths",
      .kind = value_kind::list,
      .default_text =
          "/var/log, /var/lib/docker/containers, /search, /data, /opt, /srv, /home/*/logs",
      .allowed = "globs; `/` allows all",
      .section = rights,
      .help = "Roots below which files may be collected; etcd cannot widen them."},
     set_globs<&settings::allow_paths>},
    {{.name = "deny_paths",
      .kind = value_kind::list,
      .default_text = "/proc, /sys, /dev, /etc, /run, **/.ssh, **/*.pem, **/*.key",
      .allowed = "globs",
      .section = rights,
      .help = "Never collected, whatever allow_paths says; every hop of a link is checked."},
     set_globs<&settings::deny_paths>},
    {{.name = "allow_topics",
      .kind = value_kind::list,
      .default_text = "*",
      .allowed = "globs",
      .section = rights,
      .help =
          "Topics that may be written; etcd cannot widen them. A topic's dead letters go with it."},
     set_globs<&settings::allow_topics>},
    {{.name = "allow_hardlinks",
      .kind = value_kind::boolean,
      .default_text = "false",
      .section = rights,
      .help = "Collect files that have more than one link."},
     set_boolean<&settings::allow_hardlinks>},
    {{.name = "allow_network_fs",
      .kind = value_kind::boolean,
      .default_text = "false",
      .section = rights,
      .help = "Collect from NFS, CIFS and FUSE. A hung mount then stops the whole agent."},
     set_boolean<&settings::allow_network_fs>},
    {{.name = "hardening",
      .kind = value_kind::choice,
      .default_text = "on",
      .allowed = "on|off",
      .section = rights,
      .help = "Gives up at start what the agent does not need: capabilities, writing outside "
              "state_dir and the directory of log, reading outside allow_paths, other system "
              "calls. /status tells which layers hold."},
     set_hardening},

    {{.name = "max_send_rate_bytes",
      .kind = value_kind::integer,
      .default_text = "0",
      .most = tebibyte,
      .unit = "bytes/s",
      .section = pace,
      .help = "Ceiling for the whole host, shared fairly by its files; 0 = none."},
     set_number<&settings::max_send_rate_bytes>},
    {{.name = "in_flight_bytes",
      .kind = value_kind::integer,
      .default_text = "16777216",
      .least = 1'048'576,
      .most = 4'294'967'296,
      .unit = "bytes",
      .section = pace,
      .help = "What may be read and not yet acknowledged; the bound of the agent's memory."},
     set_number<&settings::in_flight_bytes>},
    {{.name = "held_deleted_bytes",
      .kind = value_kind::integer,
      .default_text = "1073741824",
      .most = tebibyte,
      .unit = "bytes",
      .section = pace,
      .help = "Deleted files that are kept open until they are sent, at most."},
     set_number<&settings::held_deleted_bytes>},
    {{.name = "read_window_ms",
      .kind = value_kind::integer,
      .default_text = "10",
      .most = 10'000,
      .unit = "ms",
      .section = pace,
      .help =
          "How long file events gather before a read; 0 = at once. Grows by itself under load."},
     set_read_window},
    {{.name = "shutdown_timeout",
      .kind = value_kind::integer,
      .default_text = "10",
      .most = 3600,
      .unit = "s",
      .section = pace,
      .help = "How long a stop waits for acknowledgements."},
     set_shutdown_timeout},

    {{.name = "log",
      .default_text = "-",
      .allowed = "path; `-` = standard error",
      .section = own_log,
      .help = "Where the agent's own log goes; a file is rotated at 16 MiB, four old ones stay."},
     set_log},
    {{.name = "level",
      .kind = value_kind::choice,
      .default_text = "info",
      .allowed = "trace|debug|info|warn|error",
      .section = own_log,
      .help = "What is written to it."},
     set_level},
};

}  // namespace

std::span<const setting> setting_table() {
    return table;
}

}  // namespace logagent::agent
