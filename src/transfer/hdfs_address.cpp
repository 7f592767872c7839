#include "transfer/hdfs_address.hpp"

namespace logagent::transfer {

std::optional<hdfs_address> read_hdfs_address(std::string_view location,
                                              const std::map<std::string, std::string>& rewrite) {
    const auto scheme = location.find("://");
    if (scheme == location.npos) return std::nullopt;
    const auto path = location.find('/', scheme + 3);
    if (path == location.npos) return std::nullopt;
    const bool tls = location.starts_with("https:");
    const std::uint16_t standard = tls ? 443 : 80;
    auto to = http::parse_endpoint(location.substr(0, path), standard);
    if (!to) return std::nullopt;
    if (const auto other = rewrite.find(to->host); other != rewrite.end()) {
        const auto dialled = http::parse_endpoint(other->second, to->port);
        if (!dialled) return std::nullopt;
        to->host = dialled->host;
        to->port = dialled->port;
    }
    return hdfs_address{std::move(*to), std::string{location.substr(path)}};
}

}  // namespace logagent::transfer
