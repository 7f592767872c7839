#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "logagent/http/message.hpp"

namespace logagent::http {

/// Answers from what is in memory.
using handler = std::function<response(const request&)>;
/// Answers after waiting for something; stopped with the server and at the request's total
/// deadline.
using waiting_handler = std::function<boost::asio::awaitable<response>(request)>;
/// Words an answer that the server gives without a handler: 400, 404, 405, 408, 413, 421, 431, 500.
/// The request holds what of it was read.
using refusing = std::function<response(const request&, unsigned status, std::string text)>;

/// One line of the route table. In `pattern`, "{name}" stands for a non-empty part of one path
/// segment
/// ("/hosts/{host}", "/services/{name}:rollback") and "{name...}" at the end for the rest of the
/// path. The first route that fits is taken. A GET route serves HEAD too.
struct route {
    std::string method;
    std::string pattern;
    std::variant<handler, waiting_handler> answer;
    std::size_t body_limit = 64 << 10;  // bytes of the request's body
};

/// PEM files of a server that speaks TLS 1.2 and 1.3, of at most 64 KiB each.
struct server_tls {
    std::string cert_file;       // its certificate, then those that signed it
    std::string key_file;        // the private key, without a passphrase
    std::string client_ca_file;  // not empty: clients need a certificate that this CA has signed

    bool on() const { return !cert_file.empty(); }
};

/// The certificate that a server shows.
struct certificate_view {
    std::int64_t begins = 0;  // when it is valid, seconds since 1970
    std::int64_t ends = 0;
    std::string warning;  // not empty: others can read the key
};

/// What became of looking at the files of TLS again.
struct certificate_reload {
    bool tried = false;   // they were read
    std::string failure;  // why they cannot be used; what was in use stays
};

struct server_options {
    std::string listen =
        "127.0.0.1:9470";  // "host:port", numeric or localhost; port 0 = any free one
    server_tls tls;        // without files: plain HTTP
    std::vector<std::string> allowed_hosts;  // Host names that are right besides the address itself
    std::size_t header_limit = 8 << 10;
    std::chrono::milliseconds handshake_timeout{5000};  // of TLS, from accepting
    std::chrono::milliseconds header_timeout{5000};     // from the first byte, or from accepting
    std::chrono::milliseconds body_timeout{10'000};
    std::chrono::milliseconds idle_timeout{30'000};   // between two requests of a connection
    std::chrono::milliseconds total_timeout{60'000};  // of one request, its answer included
    std::size_t max_connections = 64;
    std::size_t max_per_peer = 8;  // of one address; loopback may use them all
    std::vector<field> fields;     // added to every answer that does not have them already
    refusing refuse;               // empty = the text as text/plain
    std::function<void(const std::string&)>
        report;  // one line about a handler that threw, or about
                 // running out of descriptors; may be empty
    std::function<void(const std::string&)>
        report_handshake;  // one line about a client that TLS failed with; may be empty
};

struct server_counters {
    std::uint64_t requests = 0;
    std::uint64_t refused_connections = 0;  // over a limit
    std::uint64_t timeouts = 0;             // header, body or total deadline
    std::uint64_t accept_failures = 0;      // no descriptors left and the like
    std::uint64_t handshake_failures = 0;   // of TLS, its deadline included
    std::size_t connections = 0;            // open now
};

/// A small HTTP/1.1 server for a few people and machines: a route table, strict limits, and no
/// client that can hold up the loop or another client. Bound to loopback, it refuses a Host that is
/// not loopback's, so that a web page cannot reach it through a name that it controls; under TLS a
/// name that its certificate is not for.
class server {
public:
    server(boost::asio::any_io_executor executor, server_options options,
           std::vector<route> routes);
    ~server();

    /// Reads the files of TLS, where there are any; before listen(). Returns an empty string, or
    /// one sentence with the file and the reason.
    std::string prepare_tls();

    /// Binds. Returns an empty string, or one sentence with the address and the reason.
    std::string listen();

    /// Reads the files of TLS again: at once, or if they were replaced and left alone since the
    /// call before. New connections get what they hold.
    certificate_reload reload_tls(bool at_once);

    /// What is in use; nothing without TLS.
    std::optional<certificate_view> certificate() const;

    /// What listen() has bound, with the real port.
    boost::asio::ip::tcp::endpoint local_endpoint() const;

    /// Serves until stopped, then closes all connections.
    boost::asio::awaitable<void> run();

    const server_counters& counters() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

}  // namespace logagent::http
