#include <algorithm>
#include <list>
#include <string>

#include "logagent/async/event.hpp"
#include "logagent/async/guarded.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/transfer/sink.hpp"
#include "transfer/hdfs_lane.hpp"
#include "transfer/hdfs_layout.hpp"
#include "transfer/hdfs_workshop.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;

namespace {

/// Files in HDFS by WebHDFS, each record in exactly one of them (hdfs_publisher says how).
class hdfs_sink final : public sink {
public:
    hdfs_sink(sink_parts parts, hdfs_layout layout, const sink_settings& where,
              const sink_options& how)
        : executor_{parts.executor},
          shop_{std::move(parts), std::move(layout), where, how},
          began_{executor_} {
        shop_.changed = [this] { changed(); };
    }

    asio::awaitable<void> run() override;
    void begin(const lane_start& start) override;
    void take(item next) override;
    asio::awaitable<void> drain(std::vector<lane> lanes,
                                std::chrono::steady_clock::time_point deadline) override;
    void end(lane in) override;
    bool commits_itself() const override { return true; }
    sink_figures figures() const override;

private:
    asio::awaitable<void> start_lanes(async::task_group& tasks);
    asio::awaitable<void> serve(std::list<hdfs_lane>::iterator one);
    hdfs_lane* find(lane in);
    bool done(const std::vector<lane>& lanes);
    void changed();
    void hurry_if_much();

    asio::any_io_executor executor_;
    hdfs_workshop shop_;
    std::list<hdfs_lane> lanes_;                          // ended ones too, until their tasks are
    std::list<hdfs_lane>::iterator next_ = lanes_.end();  // the first without a task
    hdfs_lane* last_ = nullptr;                           // the one of the last record
    std::uint32_t taken_ = 0;
    std::exception_ptr failure_;  // of a lane's task
    async::event began_;
    std::list<async::event> drains_;  // one for each drain() that waits
};

asio::awaitable<void> hdfs_sink::run() {
    async::task_group tasks{executor_};
    std::exception_ptr ended;
    try {
        co_await start_lanes(tasks);
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    // A stopped coroutine may not even begin to wait.
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await tasks.join();
    std::rethrow_exception(ended);
}

asio::awaitable<void> hdfs_sink::start_lanes(async::task_group& tasks) {
    while (!failure_) {
        for (; next_ != lanes_.end(); ++next_)
            tasks.spawn(async::guarded(serve(next_), failure_, began_));
        co_await began_.wait();
    }
    std::rethrow_exception(failure_);
}

asio::awaitable<void> hdfs_sink::serve(std::list<hdfs_lane>::iterator one) {
    co_await one->run();
    if (last_ == &*one) last_ = nullptr;
    lanes_.erase(one);
    changed();
}

void hdfs_sink::begin(const lane_start& start) {
    lanes_.emplace_back(shop_, start);
    if (next_ == lanes_.end()) next_ = std::prev(lanes_.end());
    began_.notify();
}

hdfs_lane* hdfs_sink::find(lane in) {
    const auto found = std::ranges::find(lanes_, in, &hdfs_lane::number);
    return found == lanes_.end() ? nullptr : &*found;
}

void hdfs_sink::take(item next) {
    // Records come in runs of one partition.
    if (last_ == nullptr || last_->number() != next.in) last_ = find(next.in);
    if (last_ == nullptr) return;
    last_->take(std::move(next));
    hurry_if_much();
}

/// Closes the fullest range before the disk has no room for any.
void hdfs_sink::hurry_if_much() {
    constexpr std::uint32_t look_after = 1024;
    if (++taken_ % look_after != 0 || shop_.spooled <= shop_.spool_limit / 2) return;
    auto most = std::ranges::max_element(lanes_, {}, &hdfs_lane::gathered);
    if (most != lanes_.end()) most->hurry();
}

asio::awaitable<void> hdfs_sink::drain(std::vector<lane> lanes,
                                       std::chrono::steady_clock::time_point deadline) {
    for (const lane in : lanes)
        if (auto* one = find(in)) one->drain(true);
    const auto waits = drains_.emplace(drains_.end(), executor_);
    try {
        while (!done(lanes) && std::chrono::steady_clock::now() < deadline)
            co_await waits->wait_until(deadline);
    } catch (...) {
        drains_.erase(waits);
        throw;
    }
    drains_.erase(waits);
    for (const lane in : lanes)
        if (auto* one = find(in)) one->drain(false);
}

bool hdfs_sink::done(const std::vector<lane>& lanes) {
    return std::ranges::all_of(lanes, [&](lane in) {
        const auto* one = find(in);
        return one == nullptr || one->done();
    });
}

void hdfs_sink::changed() {
    for (auto& each : lanes_)
        each.wake();
    for (auto& each : drains_)
        each.notify();
}

void hdfs_sink::end(lane in) {
    if (auto* one = find(in)) one->end();
}

sink_figures hdfs_sink::figures() const {
    sink_figures told;
    told.requests = shop_.client.requests();
    told.bytes = shop_.bytes;
    told.duplicates = shop_.duplicates;
    told.retried = shop_.retried;
    told.in_flight = shop_.client.in_flight();
    told.stalled = shop_.stalled();
    constexpr std::int64_t seconds_per_hour = 3600;
    for (const auto& one : lanes_)
        if (const auto hour = one.complete_to())
            told.complete_to[one.number()] = *hour * seconds_per_hour;
    return told;
}

/// "/logs/" as "/logs". A path that is none throws.
std::string checked_root(std::string root) {
    while (root.ends_with('/'))
        root.pop_back();
    const bool parts = root.find("//") == root.npos && (root + "/").find("/../") == root.npos &&
                       (root + "/").find("/./") == root.npos;
    if (!root.empty() && (!root.starts_with('/') || !parts))
        throw base::problem_error{
            {"root", "root \"" + root + "\" is no absolute path of HDFS, such as /logs"}};
    return root;
}

}  // namespace

std::unique_ptr<sink> create_hdfs_sink(sink_parts parts, const sink_settings& where,
                                       const sink_options& how) {
    if (where.url.empty())
        throw base::problem_error{{"url", "an hdfs sink needs url, the NameNode's HTTP address"}};
    hdfs_layout layout;
    layout.root = checked_root(how.root);
    layout.format = how.format;
    layout.compress = how.compress;
    layout.documents = parts.documents.options();
    auto same = hdfs_layout::from_json(layout.to_json());
    if (!same) throw base::problem_error{same.error()};
    return std::make_unique<hdfs_sink>(std::move(parts), std::move(layout), where, how);
}

}  // namespace logagent::transfer
