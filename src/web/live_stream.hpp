#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "live_feed.hpp"
#include "live_hub.hpp"
#include "logagent/async/event.hpp"
#include "logagent/http/event_stream.hpp"

namespace logagent::web {

/// The events of all feeds of one client, at most five times a second.
class live_stream final : public http::event_stream {
public:
    static constexpr auto between_frames = std::chrono::milliseconds{200};

    /// `allowed` is asked each second: whether the client still may follow.
    live_stream(boost::asio::any_io_executor executor, std::unique_ptr<live_hub::place> place,
                std::function<bool()> allowed);

    void add(std::unique_ptr<live_feed> feed);

    boost::asio::awaitable<std::string> next(clock::time_point deadline) override;
    bool ended() const override { return ended_; }
    void cut() override { place_->hub().count_cut(); }

private:
    std::string take(clock::time_point now);
    clock::time_point due(clock::time_point now) const;

    async::event news_;
    std::unique_ptr<live_hub::place> place_;
    std::function<bool()> allowed_;
    std::vector<std::unique_ptr<live_feed>> feeds_;
    clock::time_point next_frame_{};
    bool ended_ = false;
};

}  // namespace logagent::web
