#include "web/rights.hpp"

#include <filesystem>

#include "logagent/http/client.hpp"

namespace logagent::web {

namespace {

constexpr std::uint16_t first_free_port = 1024;

/// A directory, since certificates and pages are replaced by renaming.
std::string directory_of(const std::string& file) {
    std::error_code failed;
    return std::filesystem::absolute(file, failed).lexically_normal().parent_path().string();
}

/// Where the file is, and where it really lies: what renews certificates keeps links to them.
void add_directories(std::vector<std::string>& to, const std::string& file) {
    if (file.empty()) return;
    to.push_back(directory_of(file));
    std::error_code failed;
    const auto real = std::filesystem::canonical(file, failed);
    if (!failed && real.parent_path() != to.back()) to.push_back(real.parent_path().string());
}

}  // namespace

os::confinement needed_by(const settings& chosen) {
    os::confinement out;
    out.low_ports = chosen.listen.port < first_free_port;
    out.writable.push_back(chosen.state_dir);
    if (chosen.log != "-") out.writable.push_back(directory_of(chosen.log));
    if (!chosen.ui_dir.empty()) out.readable.push_back(chosen.ui_dir);
    for (const auto& file :
         {chosen.etcd_password_file, chosen.etcd_ca, chosen.etcd_cert, chosen.etcd_key,
          chosen.tls_cert, chosen.tls_key, chosen.tls_client_ca, http::default_ca_file()})
        add_directories(out.readable, file);
    for (const auto& [name, property] : chosen.kafka)
        if (property.value.starts_with('/')) out.readable.push_back(directory_of(property.value));
    return out;
}

}  // namespace logagent::web
