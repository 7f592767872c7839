#include "logagent/transfer/route_check.hpp"

#include <optional>

#include "logagent/base/json.hpp"
#include "sink_kinds.hpp"

namespace logagent::transfer {

namespace {

constexpr std::string_view kinds[] = {"elasticsearch", "hdfs", "storm", "kafka", "stdout", "file"};

std::vector<sink_outline> all_kinds(const std::string& name) {
    std::vector<sink_outline> out;
    for (const auto kind : kinds)
        out.push_back({name, std::string{kind}, true, true});
    return out;
}

/// The name of the sink that a document gives; empty if it gives none.
std::string named_sink(std::string_view json) {
    const auto parsed = base::parse_json(json);
    const auto* members = parsed ? parsed->if_object() : nullptr;
    const auto* sink = members ? members->if_contains("sink") : nullptr;
    return sink && sink->is_string() ? std::string{sink->get_string()} : std::string{};
}

std::optional<sink_settings> settings_of(const sink_outline& from) {
    const auto* kind = find_kind(from.type);
    if (!kind) return std::nullopt;
    sink_settings out;
    out.name = from.name;
    out.type = kind->type;
    // Only whether they are there is looked at.
    if (from.takes_drpc) out.url.emplace_back();
    if (from.takes_topics) out.kafka_addr.emplace_back();
    return out;
}

}  // namespace

std::vector<sink_outline> outlines_of(const settings& from) {
    std::vector<sink_outline> out;
    for (const auto& one : from.sinks) {
        const bool storm = one.type == sink_type::storm;
        out.push_back({one.name, std::string{name(one.type)}, storm && !one.url.empty(),
                       storm && !one.kafka_addr.empty()});
    }
    return out;
}

std::vector<base::setting_problem> route_problems(const std::string& name, std::string_view json,
                                                  std::span<const sink_outline> sinks) {
    std::vector<sink_outline> any;
    if (sinks.empty()) any = all_kinds(named_sink(json));
    std::optional<std::vector<base::setting_problem>> fewest;
    for (const auto& one : sinks.empty() ? std::span<const sink_outline>{any} : sinks) {
        const auto sink = settings_of(one);
        if (!sink) continue;
        auto read = load_route(name, json, "", {*sink});
        if (read.route) return {};
        if (!fewest || read.problems.size() < fewest->size()) fewest = std::move(read.problems);
    }
    if (!fewest) fewest = load_route(name, json, "", {}).problems;
    return *std::move(fewest);
}

}  // namespace logagent::transfer
