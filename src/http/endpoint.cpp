#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "logagent/http/client.hpp"

namespace logagent::http {

std::string endpoint::authority() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
    endpoint result;
    result.port = default_port;
    if (text.starts_with("https://")) {
        result.tls = true;
        text.remove_prefix(8);
    } else if (text.starts_with("http://")) {
        text.remove_prefix(7);
    }
    if (text.ends_with('/')) text.remove_suffix(1);

    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        result.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
        boost::system::error_code bad;
        boost::asio::ip::make_address_v6(result.host, bad);
        if (bad) return std::nullopt;
    } else {
        const auto colon = text.find(':');
        result.host = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon);
    }
    if (result.host.empty() || result.host.find_first_of("/?#@[] \t\r\n") != std::string::npos)
        return std::nullopt;
    if (port.empty()) return result;

    unsigned number = 0;
    const char* const end = port.data() + port.size();
    const auto read = std::from_chars(port.data() + 1, end, number);
    if (port.front() != ':' || read.ec != std::errc{} || read.ptr != end || number == 0 ||
        number > 65535)
        return std::nullopt;
    result.port = static_cast<std::uint16_t>(number);
    return result;
}

}  // namespace logagent::http
