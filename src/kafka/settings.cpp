#include "logagent/kafka/settings.hpp"

#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <memory>
#include <string_view>

#include "logagent/os/secret_file.hpp"
#include "properties.hpp"

namespace logagent::kafka {

namespace {

struct conf_deleter {
    void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using conf_ptr = std::unique_ptr<rd_kafka_conf_t, conf_deleter>;

constexpr std::string_view ca_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",    // Red Hat
    "/etc/ssl/cert.pem",                   // Alpine, BSD
    "/etc/ssl/ca-bundle.pem",              // SUSE
};

std::string lower(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string upper(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return result;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Splits "host:port", "[v6]:port", "host"; false when it is none of them.
bool split_broker(std::string_view broker, std::string_view& host, std::string_view& port) {
    port = {};
    if (broker.starts_with('[')) {
        const auto end = broker.find(']');
        if (end == std::string_view::npos) return false;
        host = broker.substr(1, end - 1);
        const auto rest = broker.substr(end + 1);
        if (!rest.empty() && !rest.starts_with(':')) return false;
        if (!rest.empty()) port = rest.substr(1);
        if (!rest.empty() && port.empty()) return false;
    } else {
        const auto colon = broker.find(':');
        host = broker.substr(0, colon);
        if (colon != std::string_view::npos) {
            port = broker.substr(colon + 1);
            if (port.empty()) return false;
        }
    }
    if (host.empty() || host.size() > 255) return false;
    return std::none_of(host.begin(), host.end(), [](unsigned char c) {
        return std::isspace(c) || std::iscntrl(c) || c == '/' || c == '"';
    });
}

bool valid_port(std::string_view port) {
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), value);
    return failure == std::errc{} && end == port.data() + port.size() && value > 0 &&
           value <= 65535;
}

std::vector<std::string_view> split_list(std::string_view list) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto comma = list.find(',');
        if (const auto part = trim(list.substr(0, comma)); !part.empty()) parts.push_back(part);
        if (comma == std::string_view::npos) return parts;
        list.remove_prefix(comma + 1);
    }
}

/// One pass over what was given; collects the errors.
class reading {
public:
    explicit reading(settings_result& result) : result_{result}, scratch_{rd_kafka_conf_new()} {}

    void brokers(const std::string& list);
    void property(const std::string& name, const std::string& value);
    void password_file();
    void security(const std::string& default_ca);

private:
    using map = std::map<std::string, std::string>;

    void fail(const std::string& key, const std::string& value, std::string reason,
              std::string allowed) {
        result_.errors.push_back({key, value, std::move(reason), std::move(allowed)});
    }

    map& properties() { return result_.value.properties; }

    std::string get(const std::string& name) {
        const auto found = properties().find(name);
        return found == properties().end() ? std::string{} : found->second;
    }

    void refuse_name(const std::string& name, const std::string& value);
    void mechanism();
    void readable(const std::string& name);

    settings_result& result_;
    conf_ptr scratch_;
};

void reading::brokers(const std::string& list) {
    const std::string allowed = "host:port,host:port,...; a port is 1 to 65535";
    std::string checked;
    for (const auto broker : split_list(list)) {
        std::string_view host, port;
        if (!split_broker(broker, host, port) || (!port.empty() && !valid_port(port)))
            fail("kafka_addr", list, "\"" + std::string{broker} + "\" is not host:port", allowed);
        checked += (checked.empty() ? "" : ",") + std::string{broker};
    }
    if (checked.empty()) fail("kafka_addr", list, "no broker is named", allowed);
    result_.value.brokers = checked;
}

void reading::refuse_name(const std::string& name, const std::string& value) {
    const auto fixed = fixed_properties();
    const auto ours = std::find_if(fixed.begin(), fixed.end(),
                                   [&](const auto& property) { return property.name == name; });
    if (ours != fixed.end()) {
        fail("kafka." + name, value, "is set by logagent: " + std::string{ours->why},
             "leave it out");
        return;
    }
    const auto close = closest_allowed(name);
    // An unknown name may hold a secret in its value as well.
    fail("kafka." + name, "***", "is not a property that may be set",
         close.empty() ? "the list of kafka.<property> in the manual" : "perhaps kafka." + close);
}

void reading::property(const std::string& name, const std::string& value) {
    const auto* known = find_allowed(name);
    if (!known) return refuse_name(name, value);
    const std::string shown = known->secret ? "***" : value;
    if (value.empty())
        return fail("kafka." + name, shown, "the value is empty", std::string{known->values});
    if (name == "sasl.password_file") {
        properties()[name] = value;
        return;
    }
    if (name == "sasl.mechanism" || name == "sasl.mechanisms") {
        // Not tried on librdkafka: it would take the mechanisms that we refuse.
        properties()["sasl.mechanism"] = upper(value);
        return;
    }
    std::array<char, 512> text{};
    if (rd_kafka_conf_set(scratch_.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK)
        return fail("kafka." + name, shown,
                    known->secret ? "librdkafka refuses the value" : text.data(),
                    std::string{known->values});
    properties()[name == "compression.codec" ? "compression.type" : name] = value;
    if (name == "reconnect.backoff.ms" && value.size() >= 4 && std::stoi(value) > 2000)
        fail("kafka." + name, value, "is more than the longest wait", std::string{known->values});
}

void reading::password_file() {
    const auto found = properties().find("sasl.password_file");
    if (found == properties().end()) return;
    const std::string path = found->second;
    properties().erase(found);
    const std::string key = "kafka.sasl.password_file";
    const std::string allowed = "a readable file whose first line is the password";
    if (properties().contains("sasl.password"))
        return fail(key, path, "kafka.sasl.password is given too", "one of the two");
    const auto read = os::read_secret_file(path);
    if (!read.error.empty()) return fail(key, path, read.error, allowed);
    const auto password = read.value.text();
    if (password.empty()) return fail(key, path, "the first line of the file is empty", allowed);
    if (password.find('\0') != password.npos || password.size() > 4096)
        return fail(key, path, "the first line of the file is not a password", allowed);
    properties()["sasl.password"] = password;
}

void reading::readable(const std::string& name) {
    const auto path = get(name);
    if (!path.empty() && ::access(path.c_str(), R_OK) != 0)
        fail("kafka." + name, path, "the file cannot be read",
             std::string{find_allowed(name)->values});
}

void reading::mechanism() {
    const auto chosen = get("sasl.mechanism");
    const std::string allowed{find_allowed("sasl.mechanism")->values};
    const std::string_view known[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
    if (chosen == "GSSAPI")
        fail("kafka.sasl.mechanism", chosen, "Kerberos is not in this program", allowed);
    else if (chosen.empty())
        // librdkafka's own default is GSSAPI.
        fail("kafka.sasl.mechanism", "", "security.protocol wants SASL but no mechanism is given",
             allowed);
    else if (std::find(std::begin(known), std::end(known), chosen) == std::end(known))
        fail("kafka.sasl.mechanism", chosen, "is not supported", allowed);
    for (const auto* name : {"sasl.username", "sasl.password"})
        if (get(name).empty() && result_.errors.empty())
            fail(std::string{"kafka."} + name, "", "SASL needs it", "text");
}

void reading::security(const std::string& default_ca) {
    const auto protocol = lower(get("security.protocol"));
    const bool sasl = protocol.starts_with("sasl_");
    const bool tls = protocol.ends_with("ssl");
    if (sasl || properties().contains("sasl.mechanism")) mechanism();
    if (!sasl && properties().contains("sasl.mechanism"))
        fail("kafka.security.protocol", get("security.protocol"),
             "sasl.mechanism is given, but this protocol does not authenticate",
             "sasl_plaintext, sasl_ssl");
    for (const auto* name :
         {"ssl.ca.location", "ssl.certificate.location", "ssl.crl.location", "ssl.key.location"})
        readable(name);
    if (!tls || properties().contains("ssl.ca.location")) return;
    std::string bundle = default_ca;
    for (const auto path : ca_bundles)
        if (bundle.empty() && ::access(std::string{path}.c_str(), R_OK) == 0) bundle = path;
    if (bundle.empty())
        fail("kafka.ssl.ca.location", "", "TLS is on, and no CA bundle is at the usual places",
             "path of a file with the certificates to trust");
    properties()["ssl.ca.location"] = bundle;
}

}  // namespace

settings_result read_settings(const std::string& brokers,
                              const std::map<std::string, std::string>& given,
                              const std::string& default_ca) {
    settings_result result;
    for (const auto& property : allowed_properties())
        if (!property.standard.empty())
            result.value.properties.emplace(property.name, property.standard);
    reading read{result};
    read.brokers(brokers);
    for (const auto& [name, value] : given)
        read.property(name, value);
    read.password_file();
    read.security(default_ca);
    for (const auto& property : fixed_properties())
        if (!property.value.empty())
            result.value.properties[std::string{property.name}] = property.value;
    return result;
}

std::vector<std::string> broker_hosts(std::string_view brokers) {
    std::vector<std::string> hosts;
    for (const auto broker : split_list(brokers)) {
        std::string_view host, port;
        if (split_broker(broker, host, port)) hosts.emplace_back(host);
    }
    return hosts;
}

}  // namespace logagent::kafka
