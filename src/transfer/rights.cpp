#include "rights.hpp"

#include <filesystem>

namespace logagent::transfer {

namespace {

constexpr std::uint16_t first_free_port = 1024;

/// A directory, since certificates and passwords are replaced by renaming.
std::string directory_of(const std::string& file) {
    std::error_code failed;
    return std::filesystem::absolute(file, failed).lexically_normal().parent_path().string();
}

void add_sink(os::confinement& out, const sink_settings& sink) {
    if (!sink.path.empty()) out.writable.push_back(directory_of(sink.path));
    for (const auto* file : {&sink.password_file, &sink.api_key_file, &sink.token_file,
                             &sink.tls.ca_file, &sink.tls.cert_file, &sink.tls.key_file})
        if (!file->empty()) out.readable.push_back(directory_of(*file));
    for (const auto& [name, value] : sink.kafka)
        if (value.starts_with('/')) out.readable.push_back(directory_of(value));
}

}  // namespace

os::confinement needed_by(const transfer_options& options, const std::string& state) {
    const auto& chosen = options.settings;
    os::confinement out;
    const auto status = http::parse_endpoint(chosen.status_addr, first_free_port);
    out.low_ports = status && status->port > 0 && status->port < first_free_port;
    if (!state.empty()) out.writable.push_back(state);
    if (chosen.log != "-") out.writable.push_back(directory_of(chosen.log));
    for (const auto& file : {chosen.etcd_password_file, chosen.etcd_ca, chosen.etcd_cert,
                             chosen.etcd_key, http::default_ca_file()})
        if (!file.empty()) out.readable.push_back(directory_of(file));
    for (const auto& [name, property] : chosen.kafka)
        if (property.value.starts_with('/')) out.readable.push_back(directory_of(property.value));
    for (const auto& sink : chosen.sinks)
        add_sink(out, sink);
    return out;
}

}  // namespace logagent::transfer
