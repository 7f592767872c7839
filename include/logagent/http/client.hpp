#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "logagent/dns/resolver.hpp"
#include "logagent/http/error.hpp"
#include "logagent/http/message.hpp"

namespace logagent::http {

/// Where a server is.
struct endpoint {
    std::string host;  // a name or a numeric address, without brackets
    std::uint16_t port = 0;
    bool tls = false;

    /// "host:port", IPv6 addresses in brackets: the Host field, and what messages show.
    std::string authority() const;
    bool operator==(const endpoint&) const = default;
    auto operator<=>(const endpoint&) const = default;
};

/// Reads "host", "host:port", "[v6]:port", each with "http://" or "https://" before it and an
/// optional
/// "/" behind it; nullopt for anything else.
std::optional<endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);

/// TLS 1.2 or newer; the peer's certificate and host name are always checked. Files are PEM and are
/// read again for new connections when they change.
struct tls_options {
    std::string ca_file;    // empty = default_ca_file()
    std::string cert_file;  // client certificate with its chain; empty = none
    std::string key_file;   // empty = the key is in cert_file
};

/// The certificate bundle of this system, found by looking at the places where distributions keep
/// it
/// ($SSL_CERT_FILE first); empty if there is none. A static OpenSSL knows only the path of the
/// machine that built it.
std::string default_ca_file();

struct client_options {
    tls_options tls;
    std::size_t body_limit = 8 << 20;              // bytes of an answer; longer = too_large
    std::chrono::milliseconds connect_timeout{0};  // for all of connecting; 0 = only the deadline
    std::chrono::milliseconds keep_idle{0};  // how long an unused connection is kept; 0 = never
};

class session;

/// An answer whose body is read as it comes, without a limit on its whole length. Destroying it
/// closes the connection, which is the way to cancel it.
class stream {
public:
    explicit stream(std::unique_ptr<session> connection);
    ~stream();

    /// Status and fields; the body is empty.
    const response& head() const;
    /// The numeric address of the peer, with port.
    const std::string& address() const;

    /// Waits for the next piece of the body and writes at most into.size() bytes of it; 0 is the
    /// end.
    boost::asio::awaitable<result<std::size_t>> read_some(
        std::span<char> into, std::chrono::steady_clock::time_point deadline =
                                  std::chrono::steady_clock::time_point::max());

    /// Ends a read_some() that another coroutine waits in with error::cause::broken.
    void close();

private:
    std::unique_ptr<session> session_;
};

/// Sends requests over TCP or TLS. Every address of a name is tried in turn; a dead peer is found
/// by TCP keepalive within 25 s also while a stream is silent. Must outlive its calls and streams.
class client {
public:
    using clock = std::chrono::steady_clock;

    client(boost::asio::any_io_executor executor, dns::resolver& names,
           client_options options = {});
    ~client();

    /// One request and its whole answer. Redirects are not followed.
    boost::asio::awaitable<result<response>> send(endpoint to, request what,
                                                  clock::time_point deadline);

    /// Sends the request and returns when the head of the answer is there; `deadline` is for the
    /// head.
    boost::asio::awaitable<result<std::unique_ptr<stream>>> open(endpoint to, request what,
                                                                 clock::time_point deadline);

private:
    class connections;
    std::unique_ptr<connections> connections_;
};

}  // namespace logagent::http
