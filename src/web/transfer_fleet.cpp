#include "transfer_fleet.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "logagent/base/json.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

std::string text_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_string() ? std::string{found->get_string()} : std::string{};
}

std::optional<std::int64_t> number_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    if (!found || !found->is_int64()) return std::nullopt;
    return found->get_int64();
}

std::uint64_t count_at(const json::object& from, std::string_view name) {
    const auto found = number_at(from, name);
    return found && *found > 0 ? static_cast<std::uint64_t>(*found) : 0;
}

double real_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_number() ? std::max(0.0, found->to_number<double>()) : 0;
}

template <class Visit>
void each_object(const json::object& from, std::string_view name, Visit visit) {
    const auto* found = from.if_contains(name);
    if (!found || !found->is_array()) return;
    for (const auto& one : found->get_array())
        if (one.is_object()) visit(one.get_object());
}

std::vector<std::string> texts_at(const json::object& from, std::string_view name) {
    std::vector<std::string> out;
    const auto* found = from.if_contains(name);
    if (!found || !found->is_array()) return out;
    for (const auto& one : found->get_array())
        if (one.is_string()) out.emplace_back(one.get_string());
    return out;
}

shown_route read_route(const json::object& from) {
    shown_route out;
    out.name = text_at(from, "name");
    out.in_etcd = text_at(from, "source") == "etcd";
    out.revision = number_at(from, "revision").value_or(0);
    out.topics = texts_at(from, "topics");
    out.sink = text_at(from, "sink");
    out.type = text_at(from, "type");
    out.group = text_at(from, "group");
    out.state = text_at(from, "state");
    out.text = text_at(from, "text");
    out.lag = number_at(from, "lag");
    out.rate = real_at(from, "rate");
    out.delay_s = real_at(from, "delay_s");
    out.oldest_s = real_at(from, "oldest_s");
    out.accepted = count_at(from, "accepted");
    out.repeated = count_at(from, "repeated");
    out.refused = count_at(from, "refused");
    out.dead_letters = count_at(from, "dead_letters");
    out.lost_to_retention = count_at(from, "lost_to_retention");
    out.partitions = count_at(from, "partitions");
    each_object(from, "rejected", [&](const json::object& one) {
        out.rejected.push_back({text_at(one, "topic"), count_at(one, "count"),
                                text_at(one, "reason"), text_at(one, "at")});
    });
    const auto* retried = from.if_contains("retried");
    if (retried && retried->is_object()) out.retried = retried->get_object();
    const auto* parts = from.if_contains("parts");
    if (parts && parts->is_array()) out.parts = parts->get_array();
    return out;
}

}  // namespace

std::optional<transfer_process> read_process(std::string_view instance, std::string_view value) {
    const auto parsed = base::parse_json(value);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    const auto& from = parsed->get_object();
    transfer_process out;
    out.instance = instance;
    out.host = text_at(from, "host");
    out.version = text_at(from, "version");
    out.started = text_at(from, "started");
    out.problem = text_at(from, "problem");
    each_object(from, "sinks", [&](const json::object& one) {
        out.sinks.push_back({text_at(one, "name"), text_at(one, "type"), texts_at(one, "modes")});
    });
    each_object(from, "refused", [&](const json::object& one) {
        out.refused[text_at(one, "name")] = {number_at(one, "revision").value_or(0),
                                             text_at(one, "text")};
    });
    each_object(from, "routes", [&](const json::object& one) {
        auto route = read_route(one);
        auto name = route.name;
        out.routes.insert_or_assign(std::move(name), std::move(route));
    });
    return out;
}

bool takes_topic(const std::vector<std::string>& topics, const std::string& topic) {
    return std::ranges::any_of(topics, [&](const std::string& one) {
        if (!one.starts_with('~')) return one == topic;
        const bool hidden =
            topic.ends_with(".dead") || topic.starts_with("_logagent.") || topic.starts_with("__");
        if (hidden) return false;
        re2::RE2::Options quiet;
        quiet.set_log_errors(false);
        const re2::RE2 pattern{one.substr(1), quiet};
        return pattern.ok() && re2::RE2::FullMatch(topic, pattern);
    });
}

}  // namespace logagent::web
