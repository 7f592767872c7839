#include "agent/rights.hpp"

#include <filesystem>

#include "logagent/http/client.hpp"

namespace logagent::agent {

namespace {

constexpr std::uint16_t first_free_port = 1024;

/// A directory, since files that change are replaced by renaming: the next one must be found too.
std::string directory_of(const std::string& file) {
    std::error_code failed;
    const auto whole = std::filesystem::absolute(file, failed).lexically_normal();
    return whole.parent_path().string();
}

void add_files(std::vector<std::string>& to, const agent_options& options) {
    const auto& chosen = options.settings;
    for (const auto& file : {options.config_file, chosen.etcd_password_file, chosen.etcd_ca,
                             chosen.etcd_cert, chosen.etcd_key, http::default_ca_file()})
        if (!file.empty()) to.push_back(directory_of(file));
    for (const auto& [name, property] : chosen.kafka)
        if (property.value.starts_with('/')) to.push_back(directory_of(property.value));
}

}  // namespace

os::confinement needed_by(const agent_options& options, const std::string& state_dir) {
    const auto& chosen = options.settings;
    os::confinement out;
    out.read_any_file = true;
    out.low_ports = chosen.status_on && chosen.status_addr.port < first_free_port;
    if (!state_dir.empty()) out.writable.push_back(state_dir);
    if (chosen.log != "-") out.writable.push_back(directory_of(chosen.log));
    add_files(out.readable, options);
    // Links of files that the user names himself may lead anywhere, and --logconfig may change.
    if (!options.files.empty() || !options.logconfig.empty())
        out.reads_everything = "since files are named on the command line";
    else
        out.readable.insert(out.readable.end(), chosen.allow_paths.begin(),
                            chosen.allow_paths.end());
    return out;
}

}  // namespace logagent::agent
