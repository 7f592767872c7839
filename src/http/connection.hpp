#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/server_identity.hpp"
#include "http/transport.hpp"
#include "logagent/http/event_stream.hpp"
#include "logagent/http/server.hpp"

namespace logagent::http {

/// What all connections of a server share; outlives them.
struct service {
    server_options options;
    std::vector<route> routes;
    server_counters counters;
    std::optional<server_identity> identity;  // not empty: only TLS is spoken
    bool loopback = true;                     // what is bound is a loopback address
    std::string bound_host;                   // that address as a Host field would name it
};

/// Whether a Host field may be served: under TLS what the certificate is for, loopback's names and
/// numeric addresses, which nobody else can give a name; without it, bound to loopback, only
/// loopback's names, else every one unless allowed_hosts names some. Pure.
bool host_allowed(const service& shared, std::string_view host_field);

/// Serves one client until it leaves, breaks a rule or a limit.
class connection {
public:
    connection(service& shared, boost::asio::ip::tcp::socket accepted);
    ~connection();

    boost::asio::awaitable<void> run();

    /// Waits for the handshake, the next request or a farewell, and since when.
    bool idle() const { return idle_; }
    std::chrono::steady_clock::time_point idle_since() const { return idle_since_; }
    boost::asio::ip::address peer() const { return transport_.peer().address(); }

    void close() {
        idle_ = false;
        transport_.close();
    }

private:
    using clock = std::chrono::steady_clock;
    struct parsing;

    /// What reading a part of a request came to.
    enum class progress { complete, bad, left, late, too_large };

    /// The handshake. False: it has failed, or the client did not speak TLS and was told so.
    boost::asio::awaitable<bool> secure();
    boost::asio::awaitable<void> refuse_plain();
    boost::asio::awaitable<bool> serve_one();
    boost::asio::awaitable<progress> read_head();
    boost::asio::awaitable<progress> read_body(std::size_t limit);
    boost::asio::awaitable<bool> receive(clock::time_point deadline);
    /// An answer that no handler gives.
    response refused(unsigned status, std::string text) const;
    /// Finds the route, or says why nobody answers.
    const route* find_answerer(response& refusal);
    boost::asio::awaitable<response> answer(const route& by);
    boost::asio::awaitable<bool> send(response what, bool keep_alive);
    boost::asio::awaitable<bool> send_slices(const body_slices& next, bool chunked);
    boost::asio::awaitable<void> send_events(std::shared_ptr<event_stream> from, bool chunked);
    /// Reads what the client still sends, so that it gets to see the answer before the end.
    boost::asio::awaitable<void> linger();
    std::string head_text(const response& what, bool keep_alive) const;
    void now_idle() {
        idle_ = true;
        idle_since_ = clock::now();
    }

    service& shared_;
    transport transport_;
    request request_;
    std::unique_ptr<parsing> parsing_;
    std::string received_;  // not parsed yet
    clock::time_point total_deadline_;
    clock::time_point idle_since_;
    bool idle_ = false;
    bool first_ = true;
    bool timed_out_ = false;  // the last receive()
};

}  // namespace logagent::http
