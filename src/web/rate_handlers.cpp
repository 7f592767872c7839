#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>
#include <set>

#include "handlers.hpp"
#include "logagent/base/json.hpp"
#include "page.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "stats_desk.hpp"

// What is sent and what waits: of services, hosts and files.

namespace logagent::web {

namespace json = boost::json;

namespace {

using moment = std::pair<std::int64_t, rate_store::point>;

json::value rounded(double value) {
    return std::round(value * 1000) / 1000;
}

/// What a definition is called in records; its own name where there is no such definition.
std::set<std::string> record_names(const parts& with, const std::string& service) {
    std::set<std::string> out;
    const auto found = with.services.find(service);
    if (found != with.services.end())
        for (const auto& file : found->second.files)
            out.insert(file.target.service);
    if (out.empty()) out.insert(service);
    return out;
}

void add(rate_store::point& to, const rate_store::point& more) {
    if (!more.known) return;
    to.offered += more.offered;
    to.sent += more.sent;
    to.limit += more.limit;
    to.lag_bytes += more.lag_bytes;
    to.throttled = std::max(to.throttled, more.throttled);
    to.known = true;
}

std::vector<moment> merged(const std::vector<std::vector<moment>>& all) {
    std::map<std::int64_t, rate_store::point> sums;
    for (const auto& one : all)
        for (const auto& [at, point] : one)
            add(sums[at], point);
    return {sums.begin(), sums.end()};
}

void show_past(json::object& out, const std::vector<moment>& past) {
    json::array at, offered, sent, limit, lag, throttled;
    for (const auto& [second, point] : past) {
        at.emplace_back(second);
        const auto shown = [&](float value) {
            return point.known ? rounded(static_cast<double>(value)) : json::value(nullptr);
        };
        offered.push_back(shown(point.offered));
        sent.push_back(shown(point.sent));
        limit.push_back(point.limit > 0 ? shown(point.limit) : json::value(nullptr));
        lag.push_back(shown(point.lag_bytes));
        throttled.push_back(shown(point.throttled));
    }
    out["step_s"] = rate_store::step_ms / 1000;
    out["at"] = std::move(at);
    out["offered"] = std::move(offered);
    out["sent"] = std::move(sent);
    out["limit"] = std::move(limit);
    out["lag_bytes"] = std::move(lag);
    out["throttled"] = std::move(throttled);
}

json::value shown_drain(const std::vector<const file_rate*>& files,
                        std::optional<std::uint64_t> send_rate) {
    const auto seconds = drain_seconds(files, send_rate);
    return seconds ? rounded(*seconds) : json::value(nullptr);
}

json::object shown_now(const std::vector<const file_rate*>& files, std::size_t hosts) {
    rate_sums sums;
    for (const auto* file : files)
        sums.add(*file);
    json::object out;
    out["hosts"] = hosts;
    out["files"] = sums.files;
    out["offered"] = rounded(sums.offered_lines);
    out["sent"] = rounded(sums.sent_lines);
    out["offered_bytes"] = rounded(sums.offered_bytes);
    out["sent_bytes"] = rounded(sums.sent_bytes);
    out["limit"] = sums.limited > 0 ? rounded(sums.limit_lines) : json::value(nullptr);
    out["throttled"] = rounded(sums.throttled);
    out["lag_bytes"] = rounded(sums.lag_bytes);
    out["drain_s"] = shown_drain(files, std::nullopt);
    return out;
}

std::optional<std::uint64_t> asked_rate(const http::request& asked) {
    const auto text = asked.query("send_rate");
    if (!text) return std::nullopt;
    std::uint64_t rate = 0;
    const auto [stop, wrong] = std::from_chars(text->data(), text->data() + text->size(), rate);
    if (wrong != std::errc{} || stop != text->data() + text->size() || rate > 1'000'000'000)
        throw refused{400, "query", "send_rate is no number of lines per second"};
    return rate;
}

/// What the limit would do to each file: how much of what is written could go.
json::object shown_preview(const std::vector<const file_rate*>& files, std::uint64_t rate) {
    double offered = 0;
    double passes = 0;
    std::uint64_t held = 0;
    for (const auto* file : files) {
        const double lines = file->offered_bytes_per_s / line_bytes(*file);
        offered += lines;
        const auto most = static_cast<double>(rate) * static_cast<double>(file->files);
        passes += rate == 0 ? lines : std::min(lines, most);
        if (rate != 0 && lines > most) held += file->files;
    }
    json::object out;
    out["send_rate"] = rate;
    out["offered"] = rounded(offered);
    out["sent"] = rounded(passes);
    out["files_throttled"] = held;
    out["drain_s"] = shown_drain(files, rate);
    return out;
}

json::object shown_file(const file_rate& file) {
    json::object out;
    out["path"] = file.path;
    out["service"] = file.service;
    out["topic"] = file.topic;
    out["state"] = file.state;
    out["size"] = file.size;
    out["read_offset"] = file.read_offset;
    out["acked_offset"] = file.acked_offset;
    out["lag_bytes"] = file.lag_bytes;
    out["lines_per_s"] = rounded(file.lines_per_s);
    out["bytes_per_s"] = rounded(file.bytes_per_s);
    out["send_rate"] = file.send_rate;
    out["throttled_seconds"] = rounded(file.throttled_seconds);
    out["throttled"] = rounded(file.throttled);
    out["drain_s"] = shown_drain({&file}, std::nullopt);
    out["last_error"] = file.last_error;
    return out;
}

/// Those that are not well, which is what a status names.
json::array files_of_status(const json::object& status) {
    const auto* files = status.if_contains("not_tailing");
    return files && files->is_array() ? files->get_array() : json::array{};
}

}  // namespace

answering show_rates(parts& with, exchange& one) {
    const auto service = one.request.query("service").value_or("");
    const auto host = one.request.query("host").value_or("");
    if (service.empty() == host.empty())
        throw refused{400, "query", "either service or host is needed"};
    if (!service.empty() && !one.who.covers(service))
        throw refused{403, "scope",
                      "the token '" + one.who.name + "' is not for the service '" + service + "'"};
    const auto rate = asked_rate(one.request);
    const auto& rates = with.stats.rates();
    std::vector<const file_rate*> files;
    std::set<std::string> hosts;
    std::vector<std::vector<moment>> past;
    if (!service.empty()) {
        for (const auto& name : record_names(with, service)) {
            past.push_back(rates.of_service(name));
            rates.files_of(name, one.now_ms, [&](const std::string& of, const file_rate& file) {
                files.push_back(&file);
                hosts.insert(of);
            });
        }
    } else {
        past.push_back(rates.of_host(host));
        const auto* known = rates.is_fresh(host, one.now_ms) ? rates.host(host) : nullptr;
        if (known) hosts.insert(host);
        if (known)
            for (const auto& file : known->files)
                files.push_back(&file);
    }
    json::object out;
    show_past(out, merged(past));
    out["now"] = hosts.empty() ? json::value(nullptr) : shown_now(files, hosts.size());
    if (rate) out["preview"] = shown_preview(files, *rate);
    out["trouble"] = with.stats.trouble().empty() ? json::value(nullptr)
                                                  : json::value(json::string{with.stats.trouble()});
    co_return json_answer(out);
}

answering list_files(parts& with, exchange& one) {
    const std::string host{one.request.parameter("host")};
    const auto found = with.hosts.all().find(host);
    if (found == with.hosts.all().end())
        throw refused{404, "not_found", "no host of this name has a status"};
    const auto page = read_page(one.request);
    const auto text = one.request.query("q").value_or("");
    const auto* known =
        with.stats.rates().is_fresh(host, one.now_ms) ? with.stats.rates().host(host) : nullptr;
    std::map<std::pair<std::string, std::string>, json::object> all;
    std::uint64_t counted = 0;
    if (known) {
        for (const auto& file : known->files) {
            if (file.path.empty()) {
                counted += file.files;
                continue;
            }
            all[{file.path, file.topic}] = shown_file(file);
        }
    } else {
        for (const auto& file : files_of_status(found->second.status)) {
            if (!file.is_object()) continue;
            const auto& of = file.get_object();
            const auto* path = of.if_contains("path");
            const auto* topic = of.if_contains("topic");
            if (path && path->is_string() && topic && topic->is_string())
                all[{std::string{path->get_string()}, std::string{topic->get_string()}}] = of;
        }
    }
    json::array items;
    json::object out;
    out["next_page_token"] = nullptr;
    std::string last;
    for (auto& [name, file] : all) {
        std::string position = name.first;
        position.append(1, '\n').append(name.second);
        if (!page.after.empty() && position <= page.after) continue;
        if (!text.empty() && name.first.find(text) == std::string::npos) continue;
        if (items.size() == page.limit) {
            out["next_page_token"] = page_token(1, last);
            break;
        }
        items.push_back(std::move(file));
        last = position;
    }
    out["items"] = std::move(items);
    out["complete"] = known && counted == 0;
    out["others"] = counted;
    out["at"] = known ? json::value(json::string{utc_time(known->at_ms)}) : json::value(nullptr);
    co_return json_answer(out);
}

}  // namespace logagent::web
