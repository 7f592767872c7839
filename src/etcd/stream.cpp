#include "etcd/stream.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "etcd/codec.hpp"

namespace logagent::etcd {

namespace asio = boost::asio;
namespace json = boost::json;

asio::awaitable<result<json::value>> parse_in_slices(std::string text) {
    message_reader reader{std::max<std::size_t>(text.size(), 1)};
    std::string_view rest = text;
    while (!rest.empty()) {
        auto slice = rest.substr(0, slice_bytes);
        const std::size_t before = slice.size();
        const auto status = reader.feed(slice);
        rest.remove_prefix(before - slice.size());
        if (status == message_reader::status::complete) co_return reader.take();
        if (status != message_reader::status::more)
            co_return error{error::cause::protocol, reader.problem()};
        co_await asio::post(asio::use_awaitable);
    }
    co_return error{error::cause::protocol, "the JSON of the answer is cut off"};
}

gateway_stream::gateway_stream(std::unique_ptr<http::stream> body, std::string address,
                               std::size_t message_limit)
    : body_{std::move(body)},
      address_{std::move(address)},
      reader_{message_limit},
      buffer_(slice_bytes) {}

asio::awaitable<result<json::value>> gateway_stream::next(
    http::client::clock::time_point deadline) {
    for (;;) {
        const auto status = reader_.feed(unread_);
        if (status == message_reader::status::complete) {
            auto message = open_envelope(reader_.take());
            co_return message;
        }
        if (status == message_reader::status::too_long)
            co_return failed(error::cause::too_large, reader_.problem());
        if (status == message_reader::status::broken)
            co_return failed(error::cause::protocol, reader_.problem());
        // The read itself may be served from what is received already, without a pause.
        if (reader_.inside()) co_await asio::post(asio::use_awaitable);
        auto size = co_await body_->read_some(buffer_, deadline);
        if (!size) co_return failed(error::cause::unreachable, size.error().text);
        if (*size == 0) co_return failed(error::cause::unreachable, "etcd ended the stream");
        unread_ = {buffer_.data(), *size};
    }
}

result<json::value> gateway_stream::open_envelope(json::value message) const {
    json::object& envelope = message.get_object();
    if (auto* content = envelope.if_contains("result"); content != nullptr && content->is_object())
        return std::move(*content);
    const auto* failure = envelope.if_contains("error");
    if (failure == nullptr) return failed(error::cause::protocol, "a message without a result");
    const std::string text = json::serialize(failure->is_object() ? *failure : message);
    const error read = read_error(0, text);
    return failed(read.why, read.text);
}

error gateway_stream::failed(error::cause why, const std::string& text) const {
    const bool named = text.starts_with(address_);
    return {why, "etcd watch at " + (named ? text : address_ + ": " + text)};
}

}  // namespace logagent::etcd
