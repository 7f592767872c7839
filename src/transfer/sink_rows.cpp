#include "logagent/base/escape.hpp"
#include "setting_rows.hpp"
#include "sink_kinds.hpp"

namespace logagent::transfer {

namespace {

using base::problem;
using base::result;
using base::schema_value;
using base::value_kind;

result<void> set_type(sink_settings& out, schema_value value) {
    out.type = find_kind(std::get<std::string>(value))->type;
    return {};
}

result<void> set_url(sink_settings& out, schema_value value) {
    std::vector<http::endpoint> endpoints;
    for (const auto& text : std::get<std::vector<std::string>>(value)) {
        auto parsed = read_endpoint(text);
        if (!parsed || text.find("://") == text.npos)
            return problem{"value", "'" + base::visible(text, 80) +
                                        "' is not the address of a server; allowed: "
                                        "http://host:port, https://host:port, several with commas"};
        endpoints.push_back(*std::move(parsed));
    }
    if (endpoints.empty()) return problem{"value", "allowed: http://host:port"};
    out.url = std::move(endpoints);
    return {};
}

result<void> set_addresses(sink_settings& out, schema_value value) {
    auto addresses = std::get<std::vector<std::string>>(std::move(value));
    for (const auto& address : addresses)
        if (const auto parsed = read_endpoint(address); !parsed) return parsed.error();
    out.kafka_addr = std::move(addresses);
    return {};
}

result<void> set_rewrite(sink_settings& out, schema_value value) {
    std::map<std::string, std::string> rewrite;
    for (const auto& one : std::get<std::vector<std::string>>(value)) {
        const auto at = one.find('=');
        if (at == one.npos || at == 0 || at + 1 == one.size())
            return problem{"value", "'" + base::visible(one, 80) +
                                        "' is not host=host; allowed: the name of a DataNode, "
                                        "'=', and where to reach it"};
        rewrite[one.substr(0, at)] = one.substr(at + 1);
    }
    out.rewrite = std::move(rewrite);
    return {};
}

result<void> set_ca(sink_settings& out, schema_value value) {
    out.tls.ca_file = std::get<std::string>(std::move(value));
    return out.tls.ca_file.starts_with('/') ? result<void>{}
                                            : problem{"value", "not an absolute path"};
}
result<void> set_cert(sink_settings& out, schema_value value) {
    out.tls.cert_file = std::get<std::string>(std::move(value));
    return out.tls.cert_file.starts_with('/') ? result<void>{}
                                              : problem{"value", "not an absolute path"};
}
result<void> set_key(sink_settings& out, schema_value value) {
    out.tls.key_file = std::get<std::string>(std::move(value));
    return out.tls.key_file.starts_with('/') ? result<void>{}
                                             : problem{"value", "not an absolute path"};
}

constexpr std::string_view servers = "elasticsearch hdfs storm";
constexpr std::string_view path = "absolute path";

const setting_row<sink_settings> table[] = {
    {{.name = "type",
      .kind = value_kind::choice,
      .allowed = "elasticsearch|hdfs|storm|kafka|stdout|file",
      .help = "What it is: `elasticsearch` (OpenSearch too), `hdfs` by WebHDFS, `storm` (DRPC, or "
              "a topic that a KafkaSpout reads), `kafka`, `file`, `stdout`. Needed."},
     set_type},
    {{.name = "url",
      .kind = value_kind::list,
      .allowed = "http://host:port or https://host:port",
      .help = "Its servers: nodes, NameNodes, or DRPC servers."},
     set_url,
     servers},
    {{.name = "user",
      .help = "Basic authentication; for hdfs the name that is sent as `user.name`."},
     set_text<&sink_settings::user>,
     servers},
    {{.name = "password_file",
      .allowed = path,
      .help = "File whose first line is the password of user."},
     set_path<&sink_settings::password_file>,
     "elasticsearch storm"},
    {{.name = "api_key_file",
      .allowed = path,
      .help = "File whose first line is sent as `Authorization: ApiKey` (elasticsearch) or "
              "`Bearer` (storm)."},
     set_path<&sink_settings::api_key_file>,
     "elasticsearch storm"},
    {{.name = "token_file",
      .allowed = path,
      .help = "File whose first line is a delegation token of HDFS."},
     set_path<&sink_settings::token_file>,
     "hdfs"},
    {{.name = "ca",
      .allowed = path,
      .help = "PEM file of the CA that signed the servers' certificates; without it the system's "
              "CAs. Certificates are always checked."},
     set_ca,
     servers},
    {{.name = "cert", .allowed = path, .help = "PEM file of our client certificate."},
     set_cert,
     servers},
    {{.name = "key", .allowed = path, .help = "PEM file of the private key of cert."},
     set_key,
     servers},
    {{.name = "rewrite",
      .kind = value_kind::list,
      .allowed = "host=host",
      .help = "Names of DataNodes that cannot be resolved here, and where to reach them."},
     set_rewrite,
     "hdfs"},
    {{.name = "kafka_addr",
      .kind = value_kind::list,
      .allowed = "host:port",
      .help = "Brokers that are written to."},
     set_addresses,
     "kafka storm"},
    {{.name = "kafka.<property>",
      .allowed = "the properties that logagent does not set itself",
      .help = "Of the client that writes there; those of the general part do not hold for it."},
     nullptr,
     "kafka storm"},
    {{.name = "path",
      .allowed = path,
      .help = "The file; documents are appended, one a line. One process at a time."},
     set_path<&sink_settings::path>,
     "file"},
};

}  // namespace

std::span<const setting_row<sink_settings>> sink_table() {
    return table;
}

std::span<const base::schema_row> sink_rows() {
    static const auto rows = rows_of(sink_table());
    return rows;
}

}  // namespace logagent::transfer
