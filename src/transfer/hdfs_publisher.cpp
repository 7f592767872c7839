#include "transfer/hdfs_publisher.hpp"

#include <algorithm>

#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "transfer/hdfs_file_task.hpp"
#include "transfer/hdfs_hours.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;

hdfs_publisher::hdfs_publisher(hdfs_workshop& shop, hdfs_patience& patience,
                               const lane_start& start, hdfs_source source, hdfs_position position)
    : shop_{shop},
      patience_{patience},
      in_{start.in},
      source_{std::move(source)},
      position_{std::move(position)} {
    position_.intent.reset();  // it is the first range, if there is one
}

asio::awaitable<bool> hdfs_publisher::publish(hdfs_range& range) {
    ++position_.epoch;
    if (!range.files.empty()) {
        position_.intent.emplace();
        position_.intent->range = range.offsets;
        position_.intent->layout = range.layout;
        position_.intent->source_id = range.source.id;
        const bool ours = co_await commit(range.offsets.first);
        if (!ours) co_return false;
        const bool placed = co_await publish_files(range);
        if (!placed) co_return false;
        const bool marked = co_await mark_hours(range.layout, range.last_time_ms);
        if (!marked) co_return false;
    }
    position_.intent.reset();
    co_return co_await commit(range.offsets.last + 1);
}

asio::awaitable<bool> hdfs_publisher::commit(std::int64_t next) {
    for (;;) {
        std::string metadata = position_.metadata();
        const bool done = co_await shop_.parts.to.commit(in_, next, std::move(metadata));
        if (patience_.ended()) co_return false;
        if (done) co_return true;
        hdfs_answer failure;
        failure.code = "commit";
        failure.text = "Kafka did not take the commit of offset " + std::to_string(next);
        const bool again = co_await patience_.failed(
            std::move(failure), source_.topic + " " + std::to_string(source_.partition));
        if (!again) co_return false;
    }
}

asio::awaitable<bool> hdfs_publisher::flush(hdfs_range& range) {
    for (;;) {
        const int failure = range.flush();
        if (failure == 0) co_return true;
        hdfs_answer told;
        told.verdict = hdfs_verdict::refused;
        told.code = "spool";
        told.text = base::describe_errno(failure);
        const bool again = co_await patience_.failed(std::move(told), shop_.parts.spool);
        if (!again) co_return false;
    }
}

asio::awaitable<bool> hdfs_publisher::publish_files(hdfs_range& range) {
    const bool written = co_await flush(range);
    if (!written) co_return false;
    while (!range.files.empty()) {
        const utc_hour hour = range.files.begin()->first;
        hdfs_file_task::place where;
        where.directory = directory_of(range.layout, range.source.topic, hour);
        where.name = file_name(range.layout, range.source, range.offsets);
        where.temporary = temporary_directory(range.layout, shop_.parts.route, source_);
        hdfs_file_task task{shop_, patience_, range, hour, std::move(where)};
        const bool placed = co_await task.run();
        if (!placed) co_return false;
        range.drop(hour);
        shop_.changed();
    }
    co_return true;
}

asio::awaitable<bool> hdfs_publisher::mark_hours(const hdfs_layout& layout, std::int64_t time_ms) {
    const auto hours = hours_to_mark(position_.hour, time_ms, os::wall_ms());
    for (utc_hour hour = hours.first; hour < hours.end; ++hour) {
        std::string path = directory_of(layout, source_.topic, hour) + "/" + marker_name(source_);
        const bool marked = co_await mark(std::move(path));
        if (!marked) co_return false;
    }
    if (hours.end > 0) position_.hour = hours.end;
    co_return true;
}

asio::awaitable<bool> hdfs_publisher::mark(std::string path) {
    for (;;) {
        std::string copy = path;
        auto answer = co_await shop_.client.touch(std::move(copy));
        if (answer.verdict == hdfs_verdict::done) {
            ++shop_.markers;
            patience_.worked();
            co_return true;
        }
        const bool again = co_await patience_.failed(std::move(answer), path);
        if (!again) co_return false;
    }
}

asio::awaitable<void> hdfs_publisher::sweep(hdfs_layout layout) {
    if (patience_.ended()) co_return;
    const std::string directory = temporary_directory(layout, shop_.parts.route, source_);
    auto answer = co_await shop_.client.list(directory);
    if (answer.verdict != hdfs_verdict::done) co_return;
    std::vector<std::string> names;
    try {
        names = read_names(answer);
    } catch (const std::exception& broken) {
        LOGAGENT_LOG(warn, "transfer.hdfs", "LISTSTATUS " << directory << ": " << broken.what());
    }
    for (const auto& name : names) {
        if (patience_.ended()) co_return;
        std::string path = directory + "/" + name;
        co_await shop_.client.remove(std::move(path));
    }
}

}  // namespace logagent::transfer
