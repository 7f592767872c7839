#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "http/transport.hpp"
#include "logagent/http/client.hpp"

namespace logagent::http {

/// One request and its answer on a connection.
class session {
public:
    using clock = std::chrono::steady_clock;

    /// `name` is what messages call the peer.
    session(std::unique_ptr<transport> connection, std::string name);
    ~session();

    /// Sends `what` and reads the head of the answer. Returns nothing when that has worked. With
    /// `slices` the body is what they give, chunked.
    boost::asio::awaitable<std::optional<error>> exchange(request what, std::string host_field,
                                                          clock::time_point deadline,
                                                          body_slices slices = {});

    const response& head() const { return head_; }
    const std::string& address() const { return address_; }

    /// The next bytes of the body; 0 is its end.
    boost::asio::awaitable<result<std::size_t>> read_some(std::span<char> into,
                                                          clock::time_point deadline);

    void close() { connection_->close(); }

    /// The connection for the next request, or null if it cannot be used again. Ends this session.
    std::unique_ptr<transport> take_connection();

private:
    struct parsing;

    /// Sends a body as it is made, until its end or a failure. What `next` throws goes on.
    boost::asio::awaitable<io_outcome> write_slices(const body_slices& next,
                                                    clock::time_point deadline);
    boost::asio::awaitable<std::optional<error>> read_head(clock::time_point deadline);
    boost::asio::awaitable<std::optional<error>> parse_head(clock::time_point deadline);
    /// Reads more bytes to parse.
    boost::asio::awaitable<io_outcome> receive(clock::time_point deadline);
    error failed(const io_outcome& outcome, const char* doing) const;

    std::unique_ptr<transport> connection_;
    std::string name_;
    std::string address_;
    response head_;
    std::unique_ptr<parsing> parsing_;
    bool whole_ = false;  // the request was sent to its end
};

}  // namespace logagent::http
