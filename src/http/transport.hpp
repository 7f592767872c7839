#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace logagent::http {

/// What became of one operation. Trivial, so that it may be taken apart beside a co_await.
struct io_outcome {
    std::size_t size = 0;  // bytes read or written
    boost::system::error_code failure;
    bool timed_out = false;  // then `failure` is set too
};

/// A TCP connection with or without TLS whose operations have deadlines. One operation at a time;
/// close() may come from anywhere. A stop of the task throws operation_aborted.
class transport {
public:
    using clock = std::chrono::steady_clock;

    explicit transport(boost::asio::any_io_executor executor);
    /// Takes over an accepted connection.
    explicit transport(boost::asio::ip::tcp::socket accepted);
    ~transport();
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    boost::asio::awaitable<io_outcome> connect(boost::asio::ip::tcp::endpoint to,
                                               clock::time_point deadline);

    /// Checks the certificate against `host`, a name or a numeric address.
    boost::asio::awaitable<io_outcome> start_tls(std::shared_ptr<boost::asio::ssl::context> context,
                                                 std::string host, clock::time_point deadline);
    /// Takes the server's part of a handshake. Clients' certificates are as the context says.
    boost::asio::awaitable<io_outcome> accept_tls(
        std::shared_ptr<boost::asio::ssl::context> context, clock::time_point deadline);
    /// Whether a handshake was begun.
    bool tls() const;
    /// Why the certificate was refused, after start_tls() failed; may be empty.
    std::string tls_reason() const;

    /// At least one byte, or `failure`; eof also where TLS was cut off without its farewell.
    boost::asio::awaitable<io_outcome> read_some(std::span<char> into, clock::time_point deadline);

    /// The first byte that comes, which stays where it is. Before TLS.
    boost::asio::awaitable<io_outcome> peek(char& first, clock::time_point deadline);

    /// All of it, or `failure`. `data` must stay alive.
    boost::asio::awaitable<io_outcome> write(std::string_view data, clock::time_point deadline);

    /// Tells the peer that nothing more comes from here. Under TLS by its farewell, for whose
    /// answer it waits; from then on read_some() gives what the peer still sends as it is,
    /// encrypted.
    boost::asio::awaitable<void> end_writing(clock::time_point deadline);
    void close();

    /// Open, and the peer has neither sent anything nor closed.
    bool quiet() const;

    boost::asio::ip::tcp::endpoint peer() const { return peer_; }

private:
    struct channel;

    std::shared_ptr<channel> channel_;  // shared with the deadline's handler
    boost::asio::ip::tcp::endpoint peer_;
};

/// "10.0.0.5:2379", "[::1]:2379".
std::string text_of(const boost::asio::ip::tcp::endpoint& address);

}  // namespace logagent::http
