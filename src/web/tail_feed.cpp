#include "tail_feed.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <random>

#include "logagent/base/escape.hpp"
#include "logagent/http/event_stream.hpp"
#include "stamp.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr auto between_statuses = 1s;

/// The beginning of a line, cut between characters where it can be.
std::string_view beginning(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end > most - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return text.substr(0, end);
}

void member(std::string& out, std::string_view name, std::string_view text) {
    out += '"';
    out += name;
    out += "\":";
    base::append_json_string(out, text);
    out += ',';
}

std::string json_of(const live_line& line) {
    std::string out{"{"};
    const auto& from = *line.from;
    member(out, "id",
           std::string{line.topic} + '/' + std::to_string(line.partition) + '/' +
               std::to_string(line.offset));
    member(out, "at", utc_time(line.at_ms));
    member(out, "host", from.host);
    member(out, "service", from.service);
    member(out, "path", from.path);
    out += "\"start\":" + std::to_string(from.start) + ",\"end\":" + std::to_string(from.end) + ',';
    const auto shown = beginning(line.text, tail_feed::longest_shown);
    member(out, "text", shown);
    out += "\"size\":" + std::to_string(line.text.size());
    out += shown.size() < line.text.size() ? ",\"cut\":true}" : ",\"cut\":false}";
    return out;
}

double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

}  // namespace

tail_feed::tail_feed(tail_query query, principal who, std::function<void(tail_feed&)> closed,
                     clock::time_point now)
    : query_{std::move(query)},
      who_{std::move(who)},
      closed_{std::move(closed)},
      lines_{{}, std::random_device{}(), now},
      last_status_{now},
      next_status_{now} {}

tail_feed::~tail_feed() {
    if (closed_) closed_(*this);
}

void tail_feed::offer(const live_line& line) {
    if (!line.from) {
        ++unknown_;
        return;
    }
    if (!fits(query_, scope_, who_, *line.from, line.text)) return;
    const auto place = lines_.next();
    if (!place) return;
    const bool first = lines_.empty();
    lines_.put(*place, json_of(line));
    if (first) tell();
}

void tail_feed::problem(std::string_view code, std::string_view detail) {
    problem_.clear();
    if (!code.empty()) {
        json::object said;
        std::string repaired;
        base::append_repaired(repaired, detail);
        said["code"] = code;
        said["detail"] = repaired;
        problem_ = json::serialize(said);
    }
    if (problem_ != told_problem_) tell();
}

void tail_feed::source(std::string_view name, bool all) {
    source_ = name;
    all_ = all;
}

bool tail_feed::ready(clock::time_point now) const {
    return !lines_.empty() || problem_ != told_problem_ || now >= next_status_;
}

void tail_feed::take(std::string& out, clock::time_point now) {
    if (problem_ != told_problem_) {
        told_problem_ = problem_;
        // An empty object takes the last one back.
        out += http::event_text("problem", {}, problem_.empty() ? "{}" : problem_);
    }
    if (!lines_.empty()) {
        std::string data{"["};
        for (const auto& line : lines_.take(now))
            (data += data.size() > 1 ? "," : "") += line;
        out += http::event_text("lines", {}, data + "]");
        const auto dropped = lines_.offered() - lines_.shown();
        if (dropped > told_dropped_)
            out += http::event_text("dropped", {},
                                    "{\"n\":" + std::to_string(dropped - told_dropped_) + "}");
        told_dropped_ = dropped;
    }
    if (now < next_status_) return;
    out += http::event_text("status", {}, status(now));
    next_status_ = now + between_statuses;
}

std::string tail_feed::status(clock::time_point now) {
    const double seconds = std::chrono::duration<double>(now - last_status_).count();
    const auto offered = static_cast<double>(lines_.offered() - last_offered_);
    const auto shown = static_cast<double>(lines_.shown() - last_shown_);
    json::object out;
    out["rate"] = seconds > 0 ? rounded(offered / seconds) : 0.0;
    out["shown"] = lines_.shown();
    out["dropped"] = lines_.offered() - lines_.shown();
    out["sampling"] = offered > 0 ? rounded(std::min(shown / offered, 1.0)) : 1.0;
    out["source"] = source_;
    out["complete"] = all_;
    out["unattributed"] = unknown_;
    json::object topics;
    for (const auto& [topic, partitions] : scope_.topics)
        topics[topic] = partitions ? json::value(partitions->size()) : json::value(nullptr);
    out["partitions"] = std::move(topics);
    last_status_ = now;
    last_offered_ = lines_.offered();
    last_shown_ = lines_.shown();
    return json::serialize(out);
}

}  // namespace logagent::web
