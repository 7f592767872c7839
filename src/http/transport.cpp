#include "http/transport.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <sstream>

namespace logagent::http {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// A peer that is gone without a word is noticed within 25 s, idle or not.
void set_up(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    const int fd = socket.native_handle();
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    const auto set = [&](int level, int name, int value) {
        ::setsockopt(fd, level, name, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, 25'000);  // milliseconds
}

}  // namespace

std::string text_of(const tcp::endpoint& address) {
    std::ostringstream text;
    text << address;
    return text.str();
}

struct transport::channel : std::enable_shared_from_this<channel> {
    explicit channel(tcp::socket made) : socket{std::move(made)}, timer{socket.get_executor()} {}

    /// From here on the operation is cancelled at `deadline`.
    void begin(clock::time_point deadline) {
        expired = false;
        ++operation;
        if (deadline == clock::time_point::max()) return;
        timer.expires_at(deadline);
        timer.async_wait(
            [self = shared_from_this(), mine = operation](boost::system::error_code cancelled) {
                if (cancelled || self->operation != mine) return;
                self->expired = true;
                boost::system::error_code ignored;
                self->socket.cancel(ignored);
            });
    }

    void end() {
        ++operation;
        timer.cancel();
    }

    io_outcome outcome(const boost::system::error_code& failure, std::size_t size) const {
        io_outcome result;
        result.size = size;
        result.failure = failure;
        result.timed_out = failure && expired;
        return result;
    }

    tcp::socket socket;
    std::optional<asio::ssl::stream<tcp::socket&>> tls;
    std::shared_ptr<asio::ssl::context> context;  // of `tls`
    asio::steady_timer timer;                     // the deadline of the current operation
    std::uint64_t operation = 0;
    bool expired = false;
};

namespace {

/// An operation ends with the same error for a deadline, a close() and a stop; only the last
/// throws.
asio::awaitable<void> throw_if_stopped() {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error{asio::error::operation_aborted};
}

}  // namespace

transport::transport(asio::any_io_executor executor)
    : channel_{std::make_shared<channel>(tcp::socket{std::move(executor)})} {}

transport::transport(tcp::socket accepted)
    : channel_{std::make_shared<channel>(std::move(accepted))} {
    boost::system::error_code ignored;
    peer_ = channel_->socket.remote_endpoint(ignored);
    set_up(channel_->socket);
}

transport::~transport() {
    close();
    channel_->end();
}

asio::awaitable<io_outcome> transport::connect(tcp::endpoint to, clock::time_point deadline) {
    const auto mine = channel_;
    boost::system::error_code failure;
    peer_ = to;
    close();
    mine->socket.open(to.protocol(), failure);
    if (failure) co_return mine->outcome(failure, 0);
    set_up(mine->socket);
    mine->begin(deadline);
    co_await mine->socket.async_connect(to, asio::redirect_error(asio::use_awaitable, failure));
    mine->end();
    if (failure) co_await throw_if_stopped();
    co_return mine->outcome(failure, 0);
}

asio::awaitable<io_outcome> transport::start_tls(std::shared_ptr<asio::ssl::context> context,
                                                 std::string host, clock::time_point deadline) {
    const auto mine = channel_;
    mine->context = context;
    mine->tls.emplace(mine->socket, *context);
    SSL* const native = mine->tls->native_handle();
    boost::system::error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    bool named = false;
    if (not_numeric)
        named = SSL_set1_host(native, host.c_str()) == 1 &&
                SSL_set_tlsext_host_name(native, host.c_str()) == 1;
    else
        named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(native), host.c_str()) == 1;
    if (!named) {
        const auto failure = make_error_code(boost::system::errc::invalid_argument);
        co_return mine->outcome(failure, 0);
    }

    boost::system::error_code failure;
    mine->begin(deadline);
    co_await mine->tls->async_handshake(asio::ssl::stream_base::client,
                                        asio::redirect_error(asio::use_awaitable, failure));
    mine->end();
    if (failure) co_await throw_if_stopped();
    co_return mine->outcome(failure, 0);
}

asio::awaitable<io_outcome> transport::accept_tls(std::shared_ptr<asio::ssl::context> context,
                                                  clock::time_point deadline) {
    const auto mine = channel_;
    mine->context = context;
    mine->tls.emplace(mine->socket, *context);
    boost::system::error_code failure;
    mine->begin(deadline);
    co_await mine->tls->async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(asio::use_awaitable, failure));
    mine->end();
    if (failure) co_await throw_if_stopped();
    co_return mine->outcome(failure, 0);
}

bool transport::tls() const {
    return channel_->tls.has_value();
}

std::string transport::tls_reason() const {
    if (!channel_->tls) return {};
    const long verdict = SSL_get_verify_result(channel_->tls->native_handle());
    return verdict == X509_V_OK ? std::string{} : X509_verify_cert_error_string(verdict);
}

asio::awaitable<io_outcome> transport::read_some(std::span<char> into, clock::time_point deadline) {
    const auto mine = channel_;
    const auto buffer = asio::buffer(into.data(), into.size());
    boost::system::error_code failure;
    std::size_t size = 0;
    mine->begin(deadline);
    if (mine->tls)
        size = co_await mine->tls->async_read_some(
            buffer, asio::redirect_error(asio::use_awaitable, failure));
    else
        size = co_await mine->socket.async_read_some(
            buffer, asio::redirect_error(asio::use_awaitable, failure));
    mine->end();
    if (failure) co_await throw_if_stopped();
    // Where the body ends is known from HTTP, so a cut is noticed there.
    if (failure == asio::ssl::error::stream_truncated) failure = asio::error::eof;
    co_return mine->outcome(failure, size);
}

asio::awaitable<io_outcome> transport::peek(char& first, clock::time_point deadline) {
    const auto mine = channel_;
    boost::system::error_code failure;
    mine->begin(deadline);
    co_await mine->socket.async_wait(tcp::socket::wait_read,
                                     asio::redirect_error(asio::use_awaitable, failure));
    mine->end();
    if (failure) co_await throw_if_stopped();
    if (failure) co_return mine->outcome(failure, 0);
    const auto got = ::recv(mine->socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0) failure = asio::error::eof;
    if (got < 0) failure.assign(errno, boost::system::system_category());
    co_return mine->outcome(failure, got > 0 ? 1 : 0);
}

asio::awaitable<io_outcome> transport::write(std::string_view data, clock::time_point deadline) {
    const auto mine = channel_;
    const auto buffer = asio::buffer(data.data(), data.size());
    boost::system::error_code failure;
    std::size_t size = 0;
    mine->begin(deadline);
    if (mine->tls)
        size = co_await asio::async_write(*mine->tls, buffer,
                                          asio::redirect_error(asio::use_awaitable, failure));
    else
        size = co_await asio::async_write(mine->socket, buffer,
                                          asio::redirect_error(asio::use_awaitable, failure));
    mine->end();
    if (failure) co_await throw_if_stopped();
    co_return mine->outcome(failure, size);
}

asio::awaitable<void> transport::end_writing(clock::time_point deadline) {
    const auto mine = channel_;
    boost::system::error_code ignored;
    if (mine->tls) {
        mine->begin(deadline);
        co_await mine->tls->async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
        mine->end();
        co_await throw_if_stopped();
        mine->tls.reset();
    }
    mine->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void transport::close() {
    boost::system::error_code ignored;
    channel_->socket.close(ignored);
}

bool transport::quiet() const {
    if (!channel_->socket.is_open()) return false;
    char byte = 0;
    const auto got = ::recv(channel_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace logagent::http
