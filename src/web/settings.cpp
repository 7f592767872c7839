#include "logagent/web/settings.hpp"

#include <boost/asio/ip/address.hpp>
#include <utility>
#include <variant>

#include "logagent/base/escape.hpp"

namespace logagent::web {

namespace {

using base::problem;
using base::result;
using base::schema_row;
using base::schema_value;
using base::value_kind;

constexpr std::string_view kafka_prefix = "kafka.";

problem not_allowed(std::string text) {
    return {"value", std::move(text)};
}

/// Stores a value that its row has already checked; complains about what the row cannot say.
using store = result<void> (*)(settings&, schema_value);

struct setting {
    schema_row row;
    store set = nullptr;  // nullptr: the row stands for many keys and is only documentation
};

template <auto Member>
result<void> set_text(settings& out, schema_value value) {
    out.*Member = std::get<std::string>(std::move(value));
    return {};
}

template <auto Member>
result<void> set_path(settings& out, schema_value value) {
    const auto& path = std::get<std::string>(value);
    if (path.find('/') != 0) return not_allowed("not an absolute path");
    out.*Member = path;
    return {};
}

/// "host:port" with its port written out.
result<http::endpoint> read_endpoint(const std::string& text) {
    auto parsed = http::parse_endpoint(text, 0);
    if (!parsed || parsed->port == 0)
        return not_allowed("'" + base::visible(text, 80) +
                           "' is not host:port; allowed: host:port, 10.0.0.1:port or "
                           "[fd00::1]:port");
    return *std::move(parsed);
}

result<void> set_listen(settings& out, schema_value value) {
    const auto text = std::get<std::string>(std::move(value));
    auto parsed = read_endpoint(text);
    if (!parsed) return parsed.error();
    if (parsed->host == "localhost") parsed->host = "127.0.0.1";
    boost::system::error_code no_address;
    boost::asio::ip::make_address(parsed->host, no_address);
    if (no_address || text.find("://") != text.npos)
        return not_allowed(
            "not a numeric address with a port; allowed: 127.0.0.1:9480, [::1]:9480");
    out.listen = *std::move(parsed);
    return {};
}

result<void> set_etcd_addr(settings& out, schema_value value) {
    std::vector<http::endpoint> endpoints;
    for (const auto& text : std::get<std::vector<std::string>>(value)) {
        auto parsed = read_endpoint(text);
        if (!parsed) return parsed.error();
        endpoints.push_back(*std::move(parsed));
    }
    for (const auto& one : endpoints)
        if (one.tls != endpoints.front().tls)
            return not_allowed("some endpoints use https and others do not");
    out.etcd_addr = std::move(endpoints);
    return {};
}

result<void> set_etcd_timeout(settings& out, schema_value value) {
    out.etcd_timeout = std::chrono::seconds{std::get<std::int64_t>(value)};
    return {};
}

template <auto Member>
result<void> set_count(settings& out, schema_value value) {
    using number = std::remove_reference_t<decltype(out.*Member)>;
    out.*Member = static_cast<number>(std::get<std::int64_t>(value));
    return {};
}

result<void> set_prefix(settings& out, schema_value value) {
    const auto& prefix = std::get<std::string>(value);
    const bool odd = prefix.find('%') != prefix.npos || prefix.find("//") != prefix.npos;
    if (prefix.size() < 2 || prefix.front() != '/' || prefix.back() != '/' || odd)
        return not_allowed("allowed: a key that begins and ends with '/', such as /logagent/");
    out.prefix = prefix;
    return {};
}

result<void> set_kafka_addr(settings& out, schema_value value) {
    auto addresses = std::get<std::vector<std::string>>(std::move(value));
    for (const auto& address : addresses)
        if (const auto parsed = read_endpoint(address); !parsed) return parsed.error();
    out.kafka_addr = std::move(addresses);
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

bool is_loopback(const http::endpoint& at) {
    boost::system::error_code no_address;
    const auto address = boost::asio::ip::make_address(at.host, no_address);
    return !no_address && address.is_loopback();
}

constexpr std::string_view pages = "API and pages";
constexpr std::string_view etcd = "etcd";
constexpr std::string_view history = "History and audit";
constexpr std::string_view kafka = "Kafka";
constexpr std::string_view own_log = "The program's own log";

const setting table[] = {
    {{.name = "listen",
      .default_text = "127.0.0.1:9480",
      .allowed = "a numeric address with a port",
      .section = pages,
      .help = "Where the API and the pages are served. An address that is not loopback needs "
              "tls_cert and tls_key."},
     set_listen},
    {{.name = "tls_cert",
      .allowed = "absolute path",
      .section = pages,
      .help =
          "PEM file of the server's certificate, followed by those that signed it. With it only "
          "TLS 1.2 and 1.3 are spoken. Read again when it is replaced, and on SIGHUP."},
     set_path<&settings::tls_cert>},
    {{.name = "tls_key",
      .allowed = "absolute path",
      .section = pages,
      .help = "PEM file of the private key of tls_cert, without a passphrase and readable by this "
              "program's user alone."},
     set_path<&settings::tls_key>},
    {{.name = "tls_client_ca",
      .allowed = "absolute path",
      .section = pages,
      .help = "PEM file of a CA: only clients that show a certificate signed by it are served. "
              "They need a token all the same."},
     set_path<&settings::tls_client_ca>},
    {{.name = "ui_dir",
      .allowed = "absolute path",
      .section = pages,
      .help = "Serve the pages from this directory instead of those inside the program."},
     set_path<&settings::ui_dir>},
    {{.name = "state_dir",
      .default_text = "/var/lib/logagent/web",
      .allowed = "absolute path",
      .section = pages,
      .help = "For what must survive a restart of this process. This version keeps everything in "
              "etcd and does not touch it."},
     set_path<&settings::state_dir>},
    {{.name = "hardening",
      .kind = value_kind::choice,
      .default_text = "on",
      .allowed = "on|off",
      .section = pages,
      .help = "Gives up at start what this program does not need: capabilities, writing outside "
              "state_dir and the directory of log, other system calls. The log tells which layers "
              "hold."},
     set_hardening},

    {{.name = "etcd_addr",
      .kind = value_kind::list,
      .allowed = "host:port, with http:// or https:// before it",
      .section = etcd,
      .help = "Endpoints of etcd; `https://` means TLS. Needed."},
     set_etcd_addr},
    {{.name = "etcd_timeout",
      .kind = value_kind::integer,
      .default_text = "5",
      .least = 1,
      .most = 50,
      .unit = "s",
      .section = etcd,
      .help = "How long one request to etcd may take."},
     set_etcd_timeout},
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

    {{.name = "keep_revisions",
      .kind = value_kind::integer,
      .default_text = "200",
      .least = 1,
      .most = 100'000,
      .section = history,
      .help = "Revisions of each service that stay; older ones are removed within an hour."},
     set_count<&settings::keep_revisions>},
    {{.name = "revision_days",
      .kind = value_kind::integer,
      .default_text = "365",
      .least = 0,
      .most = 36'500,
      .unit = "days",
      .section = history,
      .help = "How old a revision may become; 0 = any age. The last ten of a service stay however "
              "old they are."},
     set_count<&settings::revision_days>},
    {{.name = "audit_records",
      .kind = value_kind::integer,
      .default_text = "100000",
      .least = 100,
      .most = 10'000'000,
      .section = history,
      .help = "Records of the audit that stay."},
     set_count<&settings::audit_records>},
    {{.name = "audit_days",
      .kind = value_kind::integer,
      .default_text = "365",
      .least = 0,
      .most = 36'500,
      .unit = "days",
      .section = history,
      .help = "How old a record of the audit may become; 0 = any age."},
     set_count<&settings::audit_days>},

    {{.name = "kafka_addr",
      .kind = value_kind::list,
      .allowed = "host:port",
      .section = kafka,
      .help = "Brokers, for what reads from Kafka. Checked, and not used by this version."},
     set_kafka_addr},
    {{.name = "kafka.<property>",
      .allowed = "the properties that logagent does not set itself",
      .section = kafka,
      .help = "Any allowed property of librdkafka, such as `kafka.security.protocol = SASL_SSL`; "
              "as in agent.ini."},
     nullptr},

    {{.name = "log",
      .default_text = "-",
      .allowed = "path; `-` = standard error",
      .section = own_log,
      .help = "Where the program's own log goes; a file is rotated at 16 MiB, four old ones stay."},
     set_log},
    {{.name = "level",
      .kind = value_kind::choice,
      .default_text = "info",
      .allowed = "trace|debug|info|warn|error",
      .section = own_log,
      .help = "What is written to it."},
     set_level},
};

const setting* find_setting(std::string_view key) {
    for (const auto& one : table)
        if (one.row.name == key && one.set) return &one;
    return nullptr;
}

void assign(loaded_settings& into, const base::written_setting& given) {
    if (!given.problem.empty()) {
        into.problems.push_back({given.where, "", given.problem});
        return;
    }
    if (given.key.starts_with(kafka_prefix)) {
        into.settings.kafka[given.key.substr(kafka_prefix.size())] = given;
        into.settings.given.insert(given.key);
        return;
    }
    const auto* known = find_setting(given.key);
    if (!known) {
        into.problems.push_back(base::unknown_setting(given, setting_rows()));
        return;
    }
    auto parsed = base::parse_value(known->row, given.value);
    const auto stored =
        parsed ? known->set(into.settings, *std::move(parsed)) : result<void>{parsed.error()};
    if (stored)
        into.settings.given.insert(given.key);
    else
        into.problems.push_back(base::bad_setting(given, stored.error().text));
}

}  // namespace

loaded_settings load_settings(std::string_view text, const std::string& file,
                              std::span<const std::string> overrides) {
    loaded_settings out;
    base::written_setting listen;  // the one that counts
    for (const auto& one : base::read_settings(text, file, "web.ini", overrides)) {
        assign(out, one);
        if (one.key == "listen") listen = one;
    }
    const auto both = [&](std::string_view one, std::string_view other) {
        if (out.settings.has(one) && !out.settings.has(other))
            out.problems.push_back({"", std::string{one}, "needs " + std::string{other} + " too"});
    };
    both("etcd_user", "etcd_password_file");
    both("etcd_password_file", "etcd_user");
    both("etcd_cert", "etcd_key");
    both("etcd_key", "etcd_cert");
    both("tls_cert", "tls_key");
    both("tls_key", "tls_cert");
    both("tls_client_ca", "tls_cert");
    if (!is_loopback(out.settings.listen) && !out.settings.has("tls_cert"))
        out.problems.push_back(base::bad_setting(
            listen,
            "not a loopback address, and tokens may leave this machine only under TLS; allowed: "
            "127.0.0.1 or [::1], also behind a proxy that speaks TLS, or any address with tls_cert "
            "and tls_key"));
    if (out.problems.empty() && out.settings.etcd_addr.empty())
        out.problems.push_back({file.empty() ? "the command line" : file, "etcd_addr",
                                "is missing; allowed: host:port, several with commas"});
    return out;
}

std::span<const schema_row> setting_rows() {
    static const auto rows = [] {
        std::vector<schema_row> out;
        for (const auto& one : table)
            out.push_back(one.row);
        return out;
    }();
    return rows;
}

}  // namespace logagent::web
