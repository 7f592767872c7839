#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "logagent/http/message.hpp"

namespace logagent::http {

/// Server-sent events for one client, made when the client is ready for more. Whoever makes them
/// faster than a client takes them has to drop some and say so: nothing is queued here. Destroyed
/// when the connection ends.
class event_stream {
public:
    using clock = std::chrono::steady_clock;

    struct limits {
        std::chrono::milliseconds take{30'000};  // for a client to take what next() gave
        std::chrono::milliseconds ping{15'000};  // of silence, then a comment is sent
    };

    event_stream() = default;
    explicit event_stream(limits chosen) : limits_{chosen} {}
    virtual ~event_stream() = default;

    /// Waits for something to send: whole events, best 1 to 256 KiB. Empty = nothing came until
    /// `deadline`.
    virtual boost::asio::awaitable<std::string> next(clock::time_point deadline) = 0;

    /// Nothing follows what next() has returned last.
    virtual bool ended() const = 0;

    /// The client did not take its events in time and is cut.
    virtual void cut() {}

    const limits& allowed() const noexcept { return limits_; }

private:
    limits limits_;
};

/// One event. `data` holds no line end, as JSON of one line; `name` and `id` are plain words, an
/// empty one is left out.
std::string event_text(std::string_view name, std::string_view id, std::string_view data);

/// The answer that sends `stream` to the client, with the fields that keep proxies from holding it
/// back. It stands in `slices`: a stream is a body whose slices are waited for.
response stream_of(std::shared_ptr<event_stream> stream);

/// The stream of such an answer; null for every other one.
std::shared_ptr<event_stream> find_stream(const response& answer);

}  // namespace logagent::http
