#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::kafka {

/// A property of librdkafka that may be set as `kafka.<name>` in agent.ini.
///
/// Only what is listed may be set: some properties load code, start a shell or read any file. What
/// decides about loss (acks, time-outs, queue limits, retries) is never listed.
struct allowed_property {
    std::string_view name;
    std::string_view values;    // what is allowed, for people
    std::string_view standard;  // our default; empty = librdkafka's own
    std::string_view help;
    bool secret = false;  // the value is never shown
};

/// The table behind `kafka.<name>`, sorted by name.
std::span<const allowed_property> allowed_properties();

/// A setting that cannot be used. `value` of a secret is "***".
struct settings_error {
    std::string key;  // as it is written in the INI: "kafka.linger.ms", "kafka_addr"
    std::string value;
    std::string reason;
    std::string allowed;
};

/// Checked properties of a client under librdkafka's names: ours, which win, and the user's. They
/// hold secrets: never print them.
struct settings {
    std::string brokers;
    std::map<std::string, std::string> properties;
};

struct settings_result {
    settings value;                      // usable only when `errors` is empty
    std::vector<settings_error> errors;  // all of them at once
};

/// Checks `given` (names without the "kafka." prefix) and the comma list `brokers` of host[:port].
/// Reads the file of `sasl.password_file`. `default_ca` is the CA bundle to use when TLS is on and
/// `ssl.ca.location` is not given; empty = look at the usual places.
settings_result read_settings(const std::string& brokers,
                              const std::map<std::string, std::string>& given,
                              const std::string& default_ca = {});

/// Host names and addresses of a checked broker list, without ports.
std::vector<std::string> broker_hosts(std::string_view brokers);

}  // namespace logagent::kafka
