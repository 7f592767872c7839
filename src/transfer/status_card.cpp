#include "status_card.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/tail/line_time.hpp"
#include "logagent_version.hpp"

namespace logagent::transfer {

namespace json = base::json;

namespace {

constexpr std::size_t most_topics = 50;  // of a route
constexpr std::size_t most_text = 300;   // bytes of one sentence

std::string utc(std::int64_t ms) {
    char room[40];
    return std::string{tail::format_moment(ms, room)};
}

/// Records of which the route is through with: accepted, dropped as sent twice, or refused.
std::uint64_t settled(const route_figures& route) {
    return route.accepted + route.repeated + route.refused;
}

/// What is told at once when it changes.
std::string stand_of(const card_facts& facts) {
    std::string out;
    for (const auto& one : facts.now.routes) {
        const auto origin = facts.origins.find(one.name);
        const auto revision = origin == facts.origins.end() ? 0 : origin->second.revision;
        out += one.name + ' ' + one.state + ' ' + std::to_string(revision) +
               (one.rejected.empty() ? "\n" : " rejects\n");
    }
    for (const auto& [name, refused] : facts.refused)
        out += name + ' ' + std::to_string(refused.revision) + ' ' + refused.why + '\n';
    return out;
}

json::object sink_object(const sink_outline& sink) {
    json::object out{{"name", sink.name}, {"type", sink.type}};
    if (sink.type != "storm") return out;
    json::array modes;
    if (sink.takes_drpc) modes.emplace_back("drpc");
    if (sink.takes_topics) modes.emplace_back("kafka");
    out["modes"] = std::move(modes);
    return out;
}

/// Nothing is known until a survey has told where the topics end.
json::value lag_of(const route_figures& route) {
    std::int64_t sum = 0;
    for (const auto& one : route.partitions) {
        if (one.lag() < 0) return nullptr;
        sum += one.lag();
    }
    return json::value(sum);
}

json::array parts_of(const route_figures& route, std::size_t most) {
    std::vector<const route_figures::partition*> all;
    for (const auto& one : route.partitions)
        all.push_back(&one);
    std::ranges::stable_sort(all, std::greater{}, [](const auto* one) { return one->lag(); });
    if (all.size() > most) all.resize(most);
    const auto known = [](std::int64_t number) {
        return number < 0 ? json::value(nullptr) : json::value(number);
    };
    json::array out;
    for (const auto* one : all)
        out.push_back(json::object{{"topic", base::visible(one->name.topic)},
                                   {"partition", one->name.number},
                                   {"committed", known(one->committed)},
                                   {"end", known(one->log_end)},
                                   {"lag", known(one->lag())}});
    return out;
}

json::array rejected_of(const route_figures& route) {
    json::array out;
    for (const auto& [topic, one] : route.rejected) {
        if (out.size() == most_topics) break;
        out.push_back(json::object{{"topic", base::visible(topic)},
                                   {"count", one.count},
                                   {"reason", one.reason},
                                   {"at", utc(one.at_ms)}});
    }
    return out;
}

json::object route_object(const route_figures& route, const route_origin& origin, double rate,
                          std::size_t most_parts) {
    json::array topics;
    for (const auto& one : origin.topics)
        if (topics.size() < most_topics) topics.emplace_back(base::visible(one));
    json::object retried;
    for (const auto& [what, count] : route.at_sink.retried)
        retried[what] = count;
    double oldest = 0;
    for (const auto& one : route.partitions)
        oldest = std::max(oldest, one.oldest_s);
    json::object out;
    out["name"] = route.name;
    out["source"] = origin.in_etcd ? "etcd" : "file";
    out["revision"] = origin.revision;
    out["topics"] = std::move(topics);
    out["sink"] = route.sink;
    out["type"] = route.type;
    out["group"] = route.group;
    out["state"] = route.state;
    out["text"] = base::visible(route.text.empty() ? route.kafka_text : route.text, most_text);
    out["lag"] = lag_of(route);
    out["rate"] = std::round(rate * 10) / 10;
    out["delay_s"] = std::round(route.delay_s * 1000) / 1000;
    out["oldest_s"] = std::round(oldest);
    out["accepted"] = route.accepted;
    out["repeated"] = route.repeated;
    out["refused"] = route.refused;
    out["dead_letters"] = route.buried;
    out["lost_to_retention"] = route.lost_to_retention;
    out["in_flight_bytes"] = route.held_bytes;
    out["pauses"] = route.pauses;
    out["retried"] = std::move(retried);
    out["rejected"] = rejected_of(route);
    out["partitions"] = route.partitions.size();
    out["parts"] = parts_of(route, most_parts);
    return out;
}

std::string written(const card_facts& facts, const std::map<std::string, double>& rates,
                    std::size_t most_parts, std::size_t most_routes) {
    json::array sinks;
    for (const auto& one : facts.sinks)
        sinks.push_back(sink_object(one));
    json::array refused;
    for (const auto& [name, one] : facts.refused)
        refused.push_back(json::object{{"name", base::visible(name, 80)},
                                       {"revision", one.revision},
                                       {"text", base::visible(one.why, most_text)}});
    json::array routes;
    for (const auto& one : facts.now.routes) {
        if (routes.size() == most_routes) break;
        const auto origin = facts.origins.find(one.name);
        const auto rate = rates.find(one.name);
        routes.push_back(
            route_object(one, origin == facts.origins.end() ? route_origin{} : origin->second,
                         rate == rates.end() ? 0 : rate->second, most_parts));
    }
    json::object out;
    out["v"] = 1;
    out["instance"] = facts.instance;
    out["host"] = base::visible(facts.host, 255);
    out["version"] = LOGAGENT_VERSION;
    out["started"] = facts.now.started;
    out["problem"] = base::visible(not_ready(facts.now), most_text);
    out["sinks"] = std::move(sinks);
    out["refused"] = std::move(refused);
    out["routes_omitted"] = facts.now.routes.size() - routes.size();
    out["routes"] = std::move(routes);
    return json::serialize(out);
}

}  // namespace

void status_card::measure(const transfer_status& now, clock::time_point at) {
    const double seconds = measured_ ? std::chrono::duration<double>(at - *measured_).count() : 0;
    std::map<std::string, std::uint64_t> counts;
    rates_.clear();
    for (const auto& one : now.routes) {
        const auto count = settled(one);
        counts[one.name] = count;
        const auto before = counted_.find(one.name);
        // A route that was started anew counts from 0.
        if (seconds > 0 && before != counted_.end() && count >= before->second)
            rates_[one.name] = static_cast<double>(count - before->second) / seconds;
    }
    counted_ = std::move(counts);
    measured_ = at;
}

std::optional<std::string> status_card::look(const card_facts& facts, clock::time_point now) {
    auto stand = stand_of(facts);
    const bool due = !measured_ || now - *measured_ >= figures_interval;
    if (!due && stand == stand_) return std::nullopt;
    if (due) measure(facts.now, now);
    stand_ = std::move(stand);
    auto text = written(facts, rates_, most_parts, facts.now.routes.size());
    if (text.size() > most_bytes) text = written(facts, rates_, 0, facts.now.routes.size());
    for (auto count = facts.now.routes.size(); text.size() > most_bytes && count > 0; count /= 2)
        text = written(facts, rates_, 0, count / 2);
    if (text == text_) return std::nullopt;
    text_ = text;
    return text;
}

}  // namespace logagent::transfer
