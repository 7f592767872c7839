#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "logagent/async/task_group.hpp"
#include "support/run.hpp"

namespace logagent::test {

/// One accepted connection of a scripted_server, plain or TLS.
class scripted_connection {
public:
    using tcp = boost::asio::ip::tcp;

    explicit scripted_connection(tcp::socket accepted) : socket{std::move(accepted)} {}

    boost::asio::awaitable<void> start_tls(boost::asio::ssl::context& context) {
        tls.emplace(socket, context);
        co_await tls->async_handshake(boost::asio::ssl::stream_base::server,
                                      boost::asio::use_awaitable);
    }

    /// Reads one request with Content-Length, or a chunked one as it came; the whole of it.
    boost::asio::awaitable<std::string> request() {
        std::size_t head = 0;
        while ((head = received_.find("\r\n\r\n")) == std::string::npos)
            co_await receive();
        head += 4;
        if (received_.find("Transfer-Encoding: chunked\r\n") < head) {
            std::size_t end = 0;
            while ((end = received_.find("\r\n0\r\n\r\n", head - 2)) == std::string::npos)
                co_await receive();
            std::string chunked = received_.substr(0, end + 7);
            received_.erase(0, end + 7);
            co_return chunked;
        }
        std::size_t length = 0;
        const auto at = received_.find("Content-Length: ");
        if (at < head) std::from_chars(received_.data() + at + 16, received_.data() + head, length);
        while (received_.size() < head + length)
            co_await receive();
        std::string whole = received_.substr(0, head + length);
        received_.erase(0, head + length);
        co_return whole;
    }

    boost::asio::awaitable<void> send(std::string text) {
        if (tls)
            co_await boost::asio::async_write(*tls, boost::asio::buffer(text),
                                              boost::asio::use_awaitable);
        else
            co_await boost::asio::async_write(socket, boost::asio::buffer(text),
                                              boost::asio::use_awaitable);
    }

    /// Ends when the client closes.
    boost::asio::awaitable<void> until_closed() {
        for (;;)
            co_await receive();
    }

    tcp::socket socket;
    std::optional<boost::asio::ssl::stream<tcp::socket&>> tls;

private:
    boost::asio::awaitable<void> receive() {
        std::vector<char> piece(64 << 10);
        std::size_t size = 0;
        if (tls)
            size = co_await tls->async_read_some(boost::asio::buffer(piece),
                                                 boost::asio::use_awaitable);
        else
            size = co_await socket.async_read_some(boost::asio::buffer(piece),
                                                   boost::asio::use_awaitable);
        received_.append(piece.data(), size);
    }

    std::string received_;
};

/// A server on loopback that does with each connection what the test says. Errors of a connection
/// end only that connection.
class scripted_server {
public:
    using tcp = boost::asio::ip::tcp;
    using script = std::function<boost::asio::awaitable<void>(scripted_connection&)>;

    scripted_server(boost::asio::io_context& loop, script serve, std::uint16_t port = 0)
        : serve_{std::move(serve)},
          acceptor_{loop, tcp::endpoint{boost::asio::ip::address_v4::loopback(), port}},
          connections_{loop.get_executor()},
          task_{loop, accept()} {}

    ~scripted_server() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string address() const { return "127.0.0.1:" + std::to_string(port()); }

    int accepted = 0;
    int ended = 0;

private:
    boost::asio::awaitable<void> accept() {
        std::exception_ptr failure;
        try {
            for (;;) {
                auto socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
                ++accepted;
                connections_.spawn(serve(std::move(socket)));
            }
        } catch (...) {
            failure = std::current_exception();
        }
        connections_.stop();
        co_await boost::asio::this_coro::throw_if_cancelled(false);
        co_await connections_.join();
    }

    boost::asio::awaitable<void> serve(tcp::socket socket) {
        scripted_connection one{std::move(socket)};
        try {
            co_await serve_(one);
        } catch (const boost::system::system_error&) {
        }
        ++ended;
    }

    script serve_;
    tcp::acceptor acceptor_;
    async::task_group connections_;
    background task_;  // last: it ends first
};

/// The body of a chunked request, put together.
inline std::string unchunked(std::string_view request) {
    std::string body;
    auto at = request.find("\r\n\r\n") + 4;
    for (;;) {
        std::size_t size = 0;
        const auto line = request.find("\r\n", at);
        std::from_chars(request.data() + at, request.data() + line, size, 16);
        if (size == 0) return body;
        body.append(request.substr(line + 2, size));
        at = line + 2 + size + 2;
    }
}

inline std::string http_answer(std::string_view body, std::string_view status = "200 OK",
                               std::string_view fields = "") {
    return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: application/json\r\n" +
           std::string{fields} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}

}  // namespace logagent::test
