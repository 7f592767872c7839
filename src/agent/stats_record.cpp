#include "agent/stats_record.hpp"

#include <algorithm>

#include "agent/json_writer.hpp"

namespace logagent::agent {

namespace {

constexpr std::size_t longest_path = 1024;
constexpr std::size_t longest_error = 200;
constexpr std::size_t most_rest = 200;  // services

bool well(std::string_view state) {
    return state == "tailing" || state == "done" || state == "waiting";
}

}  // namespace

bool stats_record::figures::before(const figures& other) const {
    if (lines_per_s != other.lines_per_s) return lines_per_s > other.lines_per_s;
    return lag_bytes > other.lag_bytes;
}

void stats_record::add(const tail::file_view& file) {
    figures one;
    one.path = file.path.substr(0, longest_path);
    one.service = file.service;
    one.topic = file.topic;
    one.state = file.state;
    one.size = file.size;
    one.read_offset = file.read_offset;
    one.acked_offset = file.acked_offset;
    one.lag_bytes = file.lag_bytes;
    one.send_rate = file.send_rate;
    one.lines_per_s = file.lines_per_s;
    one.bytes_per_s = file.bytes_per_s;
    one.throttled_seconds = file.throttled_seconds;
    one.error = std::string{file.last_error}.substr(0, longest_error);
    const bool moves = one.lines_per_s > 0 || one.lag_bytes > 0;
    if (moves) quiet_ = false;
    if (!moves && well(one.state) && files_.size() >= most_files / 2) return count(one);
    const auto later = [](const figures& a, const figures& b) { return a.before(b); };
    files_.push_back(std::move(one));
    std::ranges::push_heap(files_, later);
    if (files_.size() <= most_files) return;
    std::ranges::pop_heap(files_, later);
    count(files_.back());
    files_.pop_back();
}

void stats_record::count(const figures& file) {
    if (rest_.size() >= most_rest && !rest_.contains({file.service, file.topic})) return;
    auto& sum = rest_[{file.service, file.topic}];
    ++sum.files;
    sum.lag_bytes += file.lag_bytes;
    sum.lines_per_s += file.lines_per_s;
    sum.bytes_per_s += file.bytes_per_s;
    sum.throttled_seconds += file.throttled_seconds;
}

std::string stats_record::json_of(const figures& file) {
    json_writer out;
    out.open('{').member("path", file.path).member("service", file.service);
    out.member("topic", file.topic).member("state", file.state).member("size", file.size);
    out.member("read_offset", file.read_offset).member("acked_offset", file.acked_offset);
    out.member("lag_bytes", file.lag_bytes).member("lines_per_s", file.lines_per_s);
    out.member("bytes_per_s", file.bytes_per_s).member("send_rate", file.send_rate);
    out.member("throttled_seconds", file.throttled_seconds);
    if (!file.error.empty()) out.member("last_error", file.error);
    out.close('}');
    return out.take();
}

std::string stats_record::value(std::string_view host, std::string_view instance,
                                std::int64_t wall_ms, std::int64_t interval_ms) {
    std::ranges::sort(files_, [](const figures& a, const figures& b) { return a.before(b); });
    json_writer out;
    out.open('{').member("v", 1).member("host", host).member("instance", instance);
    out.member("at", wall_ms).member("interval_ms", interval_ms).key("files").open('[');
    std::size_t done = 0;
    for (; done < files_.size(); ++done) {
        const auto text = json_of(files_[done]);
        if (out.size() + text.size() > most_bytes * 3 / 4) break;
        out.raw(text);
    }
    for (std::size_t left = done; left < files_.size(); ++left)
        count(files_[left]);
    out.close(']').key("rest").open('[');
    for (const auto& [name, sum] : rest_) {
        json_writer element;
        element.open('{').member("service", name.first).member("topic", name.second);
        element.member("files", sum.files).member("lag_bytes", sum.lag_bytes);
        element.member("lines_per_s", sum.lines_per_s).member("bytes_per_s", sum.bytes_per_s);
        element.member("throttled_seconds", sum.throttled_seconds).close('}');
        const auto text = element.take();
        if (out.size() + text.size() + 2 > most_bytes) break;
        out.raw(text);
    }
    out.close(']').close('}');
    return out.take();
}

}  // namespace logagent::agent
