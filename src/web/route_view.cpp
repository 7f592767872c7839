#include "route_view.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "host_failure.hpp"
#include "precondition.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

constexpr std::size_t most_parts = 100;
constexpr std::string_view worst_first[] = {"failed", "stalled", "starting", "stopping", "running"};

/// `topics` of a definition: a list, or text with commas.
std::vector<std::string> topics_of(const json::object& document) {
    std::vector<std::string> out;
    const auto* found = document.if_contains("topics");
    if (found && found->is_array())
        for (const auto& one : found->get_array())
            if (one.is_string()) out.emplace_back(one.get_string());
    auto rest = text_member(document, "topics");
    if (rest.starts_with('~')) return {rest};
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        auto one = rest.substr(0, comma);
        one.erase(0, one.find_first_not_of(' '));
        one.erase(one.find_last_not_of(' ') + 1);
        if (!one.empty()) out.push_back(std::move(one));
        rest.erase(0, comma == rest.npos ? comma : comma + 1);
    }
    return out;
}

void add_figures(route_picture& out) {
    std::int64_t lag = 0;
    bool known = !out.runners.empty();
    for (const auto& [process, route] : out.runners) {
        known = known && route->lag;
        lag += route->lag.value_or(0);
        out.rate += route->rate;
        out.oldest_s = std::max(out.oldest_s, route->oldest_s);
        out.dead_letters += route->dead_letters;
        for (const auto& one : route->rejected) {
            const auto same =
                std::ranges::find(out.rejected, one.topic, &shown_route::rejection::topic);
            if (same == out.rejected.end()) {
                out.rejected.push_back(one);
                continue;
            }
            same->count += one.count;
            if (same->at < one.at) {
                same->at = one.at;
                same->reason = one.reason;
            }
        }
    }
    if (known) out.lag = lag;
}

void add_names(route_picture& out) {
    if (!out.runners.empty()) {
        const auto& first = *out.runners.front().route;
        out.group = first.group;
        out.type = first.type;
        out.topics = first.topics;
        out.sink = first.sink;
    }
    if (!out.stored || !out.stored->broken.empty()) return;
    out.topics = topics_of(out.stored->document);
    out.sink = text_member(out.stored->document, "sink");
}

bool is_current(const route_picture& of, const shown_route& route) {
    return !of.stored || (route.in_etcd && route.revision == of.stored->revision);
}

std::string at_host(const transfer_process& process, const std::string& text) {
    return process.host + ": " + text;
}

/// Sets the worst state of those who run what is wanted.
void judge_runners(route_picture& out) {
    for (const auto state : worst_first)
        for (const auto& [process, route] : out.runners) {
            if (route->state != state || !out.state.empty()) continue;
            out.state = state;
            if (!route->text.empty()) out.detail = at_host(*process, route->text);
        }
    if (out.state.empty()) out.state = "running";  // of a version with other words
}

void judge(route_picture& out, const transfer_fleet& processes) {
    const auto runs_other = [&](const route_picture::runner& one) {
        return one.route->in_etcd && !is_current(out, *one.route);
    };
    const auto refusal_of = [&](const transfer_process* process) {
        return std::ranges::find(out.refusers, process, &route_picture::refuser::process);
    };
    if (!out.stored) {
        const bool orphan =
            std::ranges::any_of(out.runners, [](const auto& one) { return one.route->in_etcd; });
        if (!orphan) return judge_runners(out);
        out.state = "removing";
        return;
    }
    for (const auto& one : out.runners) {
        if (!runs_other(one)) continue;
        const auto refusal = refusal_of(one.process);
        out.state = refusal == out.refusers.end() ? "waiting" : "refused";
        if (refusal == out.refusers.end()) continue;
        out.detail = at_host(*one.process, refusal->refusal->text);
        return;
    }
    if (!out.state.empty()) return;
    const bool runs = std::ranges::any_of(
        out.runners, [&](const auto& one) { return is_current(out, *one.route); });
    if (runs) return judge_runners(out);
    out.state = processes.empty() ? "idle" : out.refusers.empty() ? "waiting" : "refused";
    if (!out.refusers.empty())
        out.detail = at_host(*out.refusers.front().process, out.refusers.front().refusal->text);
    else if (!out.stored->broken.empty())
        out.detail = out.stored->broken;
}

json::array texts(const std::vector<std::string>& from) {
    json::array out;
    for (const auto& one : from)
        out.emplace_back(one);
    return out;
}

json::value known(const std::optional<std::int64_t>& number) {
    return number ? json::value(*number) : json::value(nullptr);
}

json::array rejections(const std::vector<shown_route::rejection>& from) {
    json::array out;
    for (const auto& one : from) {
        json::object item;
        item["topic"] = one.topic;
        item["count"] = one.count;
        item["reason"] = one.reason;
        item["at"] = one.at;
        out.push_back(std::move(item));
    }
    return out;
}

json::object runner_row(const route_picture& of, const route_picture::runner& one) {
    const auto& route = *one.route;
    json::object out;
    out["instance"] = one.process->instance;
    out["host"] = one.process->host;
    out["version"] = one.process->version;
    out["source"] = route.in_etcd ? "etcd" : "file";
    out["revision"] = route.revision;
    out["current"] = is_current(of, route);
    out["state"] = route.state;
    out["detail"] = route.text;
    out["lag"] = known(route.lag);
    out["rate"] = route.rate;
    out["delay_s"] = route.delay_s;
    out["partitions"] = route.partitions;
    out["accepted"] = route.accepted;
    out["repeated"] = route.repeated;
    out["refused"] = route.refused;
    out["dead_letters"] = route.dead_letters;
    out["lost_to_retention"] = route.lost_to_retention;
    out["retried"] = route.retried;
    return out;
}

json::array parts_of(const route_picture& of) {
    json::array out;
    for (const auto& [process, route] : of.runners)
        for (const auto& part : route->parts)
            if (out.size() < most_parts) out.push_back(part);
    return out;
}

}  // namespace

std::optional<double> route_picture::lag_s() const {
    if (!lag) return std::nullopt;
    if (*lag == 0) return 0;
    if (rate <= 0) return std::nullopt;
    return static_cast<double>(*lag) / rate;
}

route_picture picture_of(const std::string& name, const stored_route* stored,
                         const transfer_fleet& processes) {
    route_picture out;
    out.name = name;
    out.stored = stored;
    for (const auto& [instance, process] : processes) {
        const auto route = process.routes.find(name);
        if (route != process.routes.end()) out.runners.push_back({&process, &route->second});
        const auto refused = process.refused.find(name);
        if (stored && refused != process.refused.end() &&
            refused->second.revision == stored->revision)
            out.refusers.push_back({&process, &refused->second});
    }
    add_names(out);
    add_figures(out);
    judge(out, processes);
    return out;
}

std::vector<route_picture> pictures_of(const stored_routes& stored,
                                       const transfer_fleet& processes) {
    std::set<std::string> names;
    for (const auto& [name, route] : stored)
        names.insert(name);
    for (const auto& [instance, process] : processes)
        for (const auto& [name, route] : process.routes)
            names.insert(name);
    std::vector<route_picture> out;
    for (const auto& name : names) {
        const auto found = stored.find(name);
        out.push_back(
            picture_of(name, found == stored.end() ? nullptr : &found->second, processes));
    }
    return out;
}

json::object route_row(const route_picture& of) {
    json::object out;
    out["name"] = of.name;
    if (of.stored) {
        out["document"] = of.stored->document;
        out["etag"] = etag_of(of.stored->revision);
        out["revision"] = of.stored->revision;
    } else {
        out["document"] = nullptr;
        out["etag"] = nullptr;
        out["revision"] = nullptr;
    }
    out["state"] = of.state;
    out["detail"] = of.detail;
    out["group"] = of.group;
    out["topics"] = texts(of.topics);
    out["sink"] = of.sink;
    out["type"] = of.type;
    out["members"] = of.runners.size();
    std::uint64_t partitions = 0;
    for (const auto& [process, route] : of.runners)
        partitions += route->partitions;
    out["partitions"] = partitions;
    out["lag"] = known(of.lag);
    const auto seconds = of.lag_s();
    if (seconds)
        out["lag_s"] = std::round(*seconds * 10) / 10;
    else
        out["lag_s"] = nullptr;
    out["rate"] = std::round(of.rate * 10) / 10;
    out["oldest_s"] = of.oldest_s;
    out["dead_letters"] = of.dead_letters;
    out["rejected"] = rejections(of.rejected);
    return out;
}

json::object route_document(const route_picture& of) {
    auto out = route_row(of);
    json::array running;
    for (const auto& one : of.runners)
        running.push_back(runner_row(of, one));
    out["processes"] = std::move(running);
    json::array refusing;
    for (const auto& [process, refusal] : of.refusers) {
        json::object one;
        one["instance"] = process->instance;
        one["host"] = process->host;
        one["detail"] = refusal->text;
        refusing.push_back(std::move(one));
    }
    out["refused_by"] = std::move(refusing);
    out["parts"] = parts_of(of);
    return out;
}

json::object process_document(const transfer_process& of) {
    json::object out;
    out["instance"] = of.instance;
    out["host"] = of.host;
    out["version"] = of.version;
    out["started"] = of.started;
    out["problem"] = of.problem;
    json::array sinks;
    for (const auto& one : of.sinks) {
        json::object sink;
        sink["name"] = one.name;
        sink["type"] = one.type;
        sink["modes"] = texts(one.modes);
        sinks.push_back(std::move(sink));
    }
    out["sinks"] = std::move(sinks);
    json::array routes;
    for (const auto& [name, route] : of.routes)
        routes.emplace_back(name);
    out["routes"] = std::move(routes);
    json::array refused;
    for (const auto& [name, one] : of.refused) {
        json::object item;
        item["name"] = name;
        item["revision"] = one.revision;
        item["detail"] = one.text;
        refused.push_back(std::move(item));
    }
    out["refused"] = std::move(refused);
    return out;
}

}  // namespace logagent::web
