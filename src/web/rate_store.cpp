#include "rate_store.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>
#include <tuple>

namespace logagent::web {

namespace json = boost::json;

namespace {

constexpr double usual_line_bytes = 200;
constexpr double small_rate = 1e-6;  // bytes/s: below that nothing drains
constexpr std::size_t most_files = 500;

double number_of(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (!found || !found->is_number()) return 0;
    const auto value = found->to_number<double>();
    return std::isfinite(value) && value > 0 ? value : 0;
}

std::uint64_t count_of(const json::object& from, std::string_view name) {
    return static_cast<std::uint64_t>(std::min(number_of(from, name), 9e15));
}

std::string text_of(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_string() ? std::string{found->get_string()} : std::string{};
}

file_rate read_file(const json::object& from) {
    file_rate out;
    out.path = text_of(from, "path");
    out.service = text_of(from, "service");
    out.topic = text_of(from, "topic");
    out.state = text_of(from, "state");
    out.last_error = text_of(from, "last_error");
    if (from.contains("files")) out.files = count_of(from, "files");
    out.size = count_of(from, "size");
    out.read_offset = count_of(from, "read_offset");
    out.acked_offset = count_of(from, "acked_offset");
    out.lag_bytes = count_of(from, "lag_bytes");
    out.send_rate = count_of(from, "send_rate");
    out.lines_per_s = number_of(from, "lines_per_s");
    out.bytes_per_s = number_of(from, "bytes_per_s");
    out.throttled_seconds = number_of(from, "throttled_seconds");
    return out;
}

/// What a file was offered follows from what it sent and how its lag has grown.
void compare(file_rate& now, const file_rate& before, double seconds) {
    const auto grown = static_cast<double>(now.lag_bytes) - static_cast<double>(before.lag_bytes);
    now.offered_bytes_per_s = std::max(0.0, now.bytes_per_s + grown / seconds);
    const auto waited = (now.throttled_seconds - before.throttled_seconds) / seconds;
    now.throttled = std::clamp(waited, 0.0, 1.0);
}

void compare(host_rates& now, const host_rates& before) {
    const double seconds = static_cast<double>(now.at_ms - before.at_ms) / 1000;
    const bool comparable = seconds > 0.2 && seconds < 120 && now.instance == before.instance;
    using name = std::tuple<std::string_view, std::string_view, std::string_view>;
    std::map<name, const file_rate*> known;
    for (const auto& file : before.files)
        known.emplace(name{file.path, file.topic, file.service}, &file);
    for (auto& file : now.files) {
        file.offered_bytes_per_s = file.bytes_per_s;
        if (!comparable) continue;
        const auto same = known.find(name{file.path, file.topic, file.service});
        if (same != known.end()) compare(file, *same->second, seconds);
    }
}

}  // namespace

double line_bytes(const file_rate& file) {
    return file.lines_per_s > 0 && file.bytes_per_s > 0 ? file.bytes_per_s / file.lines_per_s
                                                        : usual_line_bytes;
}

void rate_sums::add(const file_rate& file) {
    offered_bytes += file.offered_bytes_per_s;
    sent_bytes += file.bytes_per_s;
    offered_lines += file.offered_bytes_per_s / line_bytes(file);
    sent_lines += file.lines_per_s;
    lag_bytes += static_cast<double>(file.lag_bytes);
    files += file.files;
    if (file.send_rate == 0) return;
    limit_lines += static_cast<double>(file.send_rate);
    throttled = (throttled * static_cast<double>(limited) + file.throttled) /
                static_cast<double>(limited + 1);
    ++limited;
}

std::optional<double> drain_seconds(const std::vector<const file_rate*>& files,
                                    std::optional<std::uint64_t> send_rate) {
    double longest = 0;
    for (const auto* file : files) {
        if (file->lag_bytes == 0) continue;
        const auto limit = send_rate.value_or(file->send_rate);
        // Without a limit it goes as fast as it went, and that is not known to be the most.
        double capacity = file->bytes_per_s;
        if (limit > 0) capacity = static_cast<double>(limit) * line_bytes(*file);
        if (send_rate && limit == 0) capacity = std::max(capacity, file->offered_bytes_per_s * 2);
        const double drains = capacity - file->offered_bytes_per_s;
        if (drains < small_rate) return std::nullopt;
        longest = std::max(longest, static_cast<double>(file->lag_bytes) / drains);
    }
    return longest;
}

bool rate_store::put(std::string_view record, std::int64_t now_ms) {
    ++refused_;  // until it is taken
    if (record.size() > most_record_bytes) return false;
    boost::system::error_code wrong;
    const auto read = json::parse(record, wrong);
    if (wrong || !read.is_object()) return false;
    const auto& from = read.get_object();
    const auto name = text_of(from, "host");
    if (name.empty() || name.size() > 255 || number_of(from, "v") != 1) return false;
    if (hosts_.size() >= most_hosts && !hosts_.contains(name)) return false;
    host_rates now;
    now.at_ms = static_cast<std::int64_t>(number_of(from, "at"));
    now.instance = text_of(from, "instance");
    for (const auto part : {"files", "rest"}) {
        const auto* list = from.if_contains(part);
        if (!list || !list->is_array()) continue;
        for (const auto& one : list->get_array())
            if (one.is_object() && now.files.size() < most_files)
                now.files.push_back(read_file(one.get_object()));
    }
    auto& known = hosts_[name];
    compare(now, known.last);
    known.last = std::move(now);
    known.seen_ms = now_ms;
    --refused_;
    return true;
}

void rate_store::tick(std::int64_t now_ms) {
    const auto now = now_ms / step_ms;
    if (step_ == 0 || now - step_ > static_cast<std::int64_t>(steps)) {
        for (auto& [name, host] : hosts_)
            host.past.clear();
        services_.clear();
        step_ = now - 1;
    }
    while (step_ < now)
        close_step(++step_, now_ms);
    std::erase_if(hosts_, [&](const auto& one) {
        return now_ms - one.second.seen_ms > step_ms * static_cast<std::int64_t>(steps);
    });
}

void rate_store::close_step(std::int64_t number, std::int64_t now_ms) {
    std::map<std::string_view, rate_sums> by_service;
    for (auto& [name, host] : hosts_) {
        rate_sums own;
        const bool counts = fresh(host, now_ms);
        for (const auto& file : host.last.files) {
            if (!counts) break;
            own.add(file);
            by_service[file.service].add(file);
        }
        if (counts) own.hosts = 1;
        put_point(host.past, number, own);
    }
    for (auto& [service, past] : services_) {
        const auto found = by_service.find(service);
        rate_sums sums;
        if (found != by_service.end()) {
            sums = found->second;
            sums.hosts = 1;
        }
        put_point(past, number, sums);
        if (found != by_service.end()) by_service.erase(found);
    }
    for (auto& [service, sums] : by_service) {
        if (services_.size() >= most_services) break;
        sums.hosts = 1;
        put_point(services_[std::string{service}], number, sums);
    }
    // A service that nobody has had for an hour is forgotten.
    std::erase_if(services_, [](const auto& one) {
        return std::ranges::none_of(one.second, [](const point& each) { return each.known; });
    });
}

void rate_store::put_point(series& into, std::int64_t number, const rate_sums& sums) {
    if (into.empty()) into.resize(steps);
    auto& at = into[static_cast<std::size_t>(number) % steps];
    at.offered = static_cast<float>(sums.offered_lines);
    at.sent = static_cast<float>(sums.sent_lines);
    at.limit = static_cast<float>(sums.limit_lines);
    at.throttled = static_cast<float>(sums.throttled);
    at.lag_bytes = static_cast<float>(sums.lag_bytes);
    at.known = sums.hosts > 0;
}

const host_rates* rate_store::host(std::string_view name) const {
    const auto found = hosts_.find(name);
    return found == hosts_.end() ? nullptr : &found->second.last;
}

bool rate_store::is_fresh(std::string_view host, std::int64_t now_ms) const {
    const auto found = hosts_.find(host);
    return found != hosts_.end() && fresh(found->second, now_ms);
}

std::vector<std::pair<std::int64_t, rate_store::point>> rate_store::unrolled(
    const series& past) const {
    std::vector<std::pair<std::int64_t, point>> out;
    if (past.empty()) return out;
    for (std::int64_t number = step_ - static_cast<std::int64_t>(steps) + 1; number <= step_;
         ++number) {
        if (number < 0) continue;
        const auto& one = past[static_cast<std::size_t>(number) % steps];
        // Before the first thing that is known there is nothing to show.
        if (out.empty() && !one.known) continue;
        out.emplace_back(number * step_ms / 1000, one);
    }
    return out;
}

std::vector<std::pair<std::int64_t, rate_store::point>> rate_store::of_service(
    std::string_view service) const {
    const auto found = services_.find(service);
    return unrolled(found == services_.end() ? series{} : found->second);
}

std::vector<std::pair<std::int64_t, rate_store::point>> rate_store::of_host(
    std::string_view host) const {
    const auto found = hosts_.find(host);
    return unrolled(found == hosts_.end() ? series{} : found->second.past);
}

}  // namespace logagent::web
