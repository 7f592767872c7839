#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <vector>

#include "etcd/message_reader.hpp"
#include "logagent/etcd/client.hpp"

namespace logagent::etcd {

/// Bytes that are read and parsed at a time; between two slices the loop runs other work.
inline constexpr std::size_t slice_bytes = 64 << 10;

/// Parses a whole answer slice by slice. An object, or why it is none.
boost::asio::awaitable<result<boost::json::value>> parse_in_slices(std::string text);

/// The messages of a watch connection.
class gateway_stream final : public watch_stream {
public:
    gateway_stream(std::unique_ptr<http::stream> body, std::string address,
                   std::size_t message_limit);

    const std::string& address() const override { return address_; }
    boost::asio::awaitable<result<boost::json::value>> next(
        http::client::clock::time_point deadline) override;
    void close() override { body_->close(); }

private:
    error failed(error::cause why, const std::string& text) const;
    /// The envelope taken off; an error object becomes an error.
    result<boost::json::value> open_envelope(boost::json::value message) const;

    std::unique_ptr<http::stream> body_;
    std::string address_;
    message_reader reader_;
    std::vector<char> buffer_;
    std::string_view unread_;  // in buffer_
};

}  // namespace logagent::etcd
