#include "live_stream.hpp"

#include <algorithm>

namespace logagent::web {

namespace asio = boost::asio;

live_stream::live_stream(asio::any_io_executor executor, std::unique_ptr<live_hub::place> place,
                         std::function<bool()> allowed)
    : news_{std::move(executor)}, place_{std::move(place)}, allowed_{std::move(allowed)} {}

void live_stream::add(std::unique_ptr<live_feed> feed) {
    feed->wake = [this] { news_.notify(); };
    feeds_.push_back(std::move(feed));
}

asio::awaitable<std::string> live_stream::next(clock::time_point deadline) {
    for (;;) {
        const auto now = clock::now();
        if (!allowed_()) {
            ended_ = true;
            co_return http::event_text("end", {}, R"({"reason":"not allowed any more"})");
        }
        std::string out;
        if (now >= next_frame_) out = take(now);
        ended_ = std::ranges::any_of(feeds_, [](const auto& feed) { return feed->over(); });
        if (!out.empty() || ended_ || now >= deadline) co_return out;
        const auto until = std::min(deadline, due(now));
        co_await news_.wait_until(until);
    }
}

std::string live_stream::take(clock::time_point now) {
    std::string out;
    for (const auto& feed : feeds_)
        if (feed->ready(now)) feed->take(out, now);
    if (!out.empty()) next_frame_ = now + between_frames;
    return out;
}

live_feed::clock::time_point live_stream::due(clock::time_point now) const {
    auto first = clock::time_point::max();
    for (const auto& feed : feeds_)
        first = std::min(first, feed->ready(now) ? next_frame_ : feed->due());
    return std::max(first, next_frame_);
}

}  // namespace logagent::web
