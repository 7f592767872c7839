#include "agent/stats_publisher.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/stats_record.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr std::size_t files_at_once = 500;
constexpr auto describe_time = 5s;

}  // namespace

stats_publisher::stats_publisher(asio::any_io_executor executor, kafka::live_producer& by,
                                 file_visitor files, stats_options options)
    : by_{by}, files_{std::move(files)}, options_{std::move(options)}, timer_{executor} {
    base::append_json_string(key_, options_.host);
}

asio::awaitable<void> stats_publisher::run() {
    auto due = clock::now();
    for (;;) {
        due = std::max(due + options_.interval, clock::now());
        timer_.expires_at(due);
        co_await timer_.async_wait(asio::use_awaitable);
        const bool exists = co_await topic_exists();
        if (exists && !under_way_) co_await publish();
    }
}

asio::awaitable<bool> stats_publisher::topic_exists() {
    if (exists_ || clock::now() < ask_at_) co_return exists_;
    ask_at_ = clock::now() + options_.ask_interval;
    std::vector<std::string> names{options_.topic};
    const auto deadline = clock::now() + describe_time;
    const auto answers = co_await by_.describe(std::move(names), deadline);
    exists_ = answers.front().code == kafka::error::none;
    if (exists_)
        LOGAGENT_LOG(info, "stats.topic",
                     "figures of the files go to " << options_.topic << " every "
                                                   << options_.interval.count() << " s");
    co_return exists_;
}

asio::awaitable<void> stats_publisher::publish() {
    stats_record record;
    file_walk walk{files_, {}};
    while (walk.next(files_at_once, [&](const tail::file_view& file) { record.add(file); }))
        co_await asio::post(asio::use_awaitable);
    if (record.quiet() && clock::now() < sent_at_ + options_.quiet_interval) co_return;
    const auto interval = std::chrono::milliseconds{options_.interval};
    value_ = record.value(options_.host, options_.instance, os::wall_ms(), interval.count());
    kafka::record out;
    out.value = value_.data();
    out.size = static_cast<std::uint32_t>(value_.size());
    out.key = key_.data();
    out.key_size = static_cast<std::uint32_t>(key_.size());
    const auto topic = by_.topic(options_.topic);
    under_way_ = by_.produce_with_headers(topic, -1, out, {}, this) == kafka::error::none;
    if (under_way_) sent_at_ = clock::now();
}

bool stats_publisher::reported(const void* batch, kafka::error code) {
    if (batch != this) return false;
    under_way_ = false;
    // Removed meanwhile, or not ours to write: ask again before the next one.
    if (code != kafka::error::none) exists_ = false;
    return true;
}

}  // namespace logagent::agent
