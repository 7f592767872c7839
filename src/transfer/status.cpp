#include "status.hpp"

#include <boost/json/serialize.hpp>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/base/metrics.hpp"
#include "logagent_version.hpp"

namespace logagent::transfer {

namespace json = base::json;

namespace {

json::value known(std::int64_t number) {
    // In braces it would become an array of one.
    if (number < 0) return nullptr;
    return json::value(number);
}

json::array partitions_of(const route_figures& route) {
    json::array out;
    for (const auto& one : route.partitions)
        out.push_back(json::object{{"topic", base::visible(one.name.topic)},
                                   {"partition", one.name.number},
                                   {"next", one.committable},
                                   {"committed", known(one.committed)},
                                   {"log_end", known(one.log_end)},
                                   {"lag", known(one.lag())},
                                   {"pending", one.pending},
                                   {"oldest_pending_s", one.oldest_s},
                                   {"complete_to", known(one.complete_to)}});
    return out;
}

json::array rejections_of(const route_figures& route) {
    json::array out;
    for (const auto& [topic, one] : route.rejected)
        out.push_back(json::object{
            {"topic", base::visible(topic)}, {"count", one.count}, {"reason", one.reason}});
    return out;
}

json::object route_object(const route_figures& route) {
    json::object retried;
    for (const auto& [what, count] : route.at_sink.retried)
        retried[what] = count;
    return {
        {"name", route.name},
        {"sink", route.sink},
        {"type", route.type},
        {"group", route.group},
        {"state", route.state},
        {"text", base::visible(route.text)},
        {"kafka", route.kafka_text},
        {"records", json::object{{"read", route.records},
                                 {"accepted", route.accepted},
                                 {"repeated", route.repeated},
                                 {"refused", route.refused},
                                 {"dead_letters", route.buried},
                                 {"read_for_filter", route.shown},
                                 {"lost_to_retention", route.lost_to_retention}}},
        {"rejected", rejections_of(route)},
        {"bytes", route.bytes},
        {"in_flight_bytes", route.held_bytes},
        {"in_flight_bytes_most", route.most_bytes},
        {"delay_s", route.delay_s},
        {"rebalances", route.rebalances},
        {"pauses", route.pauses},
        {"at_sink", json::object{{"requests", route.at_sink.requests},
                                 {"bytes", route.at_sink.bytes},
                                 {"duplicates", route.at_sink.duplicates},
                                 {"in_flight", route.at_sink.in_flight},
                                 {"retried", std::move(retried)}}},
        {"partitions", partitions_of(route)},
    };
}

using page = base::metrics_page;

template <class Value>
void family(page& out, const transfer_status& now, std::string_view name, page::kind what,
            std::string_view help, Value value) {
    out.family(name, what, help);
    for (const auto& one : now.routes)
        out.sample({{"route", one.name}}, value(one));
}

void partition_families(page& out, const transfer_status& now) {
    const auto each = [&](const auto& visit) {
        for (const auto& route : now.routes)
            for (const auto& one : route.partitions)
                visit(route, one, std::to_string(one.name.number));
    };
    out.family("transfer_lag_records", page::kind::gauge,
               "Records of an owned partition that are in the log and not final.");
    each([&](const auto& route, const auto& one, const std::string& number) {
        if (one.lag() >= 0)
            out.sample({{"route", route.name}, {"topic", one.name.topic}, {"partition", number}},
                       one.lag());
    });
    out.family("transfer_oldest_pending_seconds", page::kind::gauge,
               "Age of the oldest record of an owned partition that is not final.");
    each([&](const auto& route, const auto& one, const std::string& number) {
        out.sample({{"route", route.name}, {"topic", one.name.topic}, {"partition", number}},
                   one.oldest_s);
    });
    out.family("transfer_complete_to_timestamp_seconds", page::kind::gauge,
               "Every record of an owned partition before this hour is in HDFS, and its marker "
               "too; Unix time.");
    each([&](const auto& route, const auto& one, const std::string& number) {
        if (one.complete_to >= 0)
            out.sample({{"route", route.name}, {"topic", one.name.topic}, {"partition", number}},
                       one.complete_to);
    });
}

void sink_families(page& out, const transfer_status& now) {
    family(out, now, "transfer_sink_requests_total", page::kind::counter,
           "Requests that the sink answered, or files.",
           [](const route_figures& one) { return one.at_sink.requests; });
    family(out, now, "transfer_sink_bytes_total", page::kind::counter,
           "Bytes of requests or files.",
           [](const route_figures& one) { return one.at_sink.bytes; });
    family(out, now, "transfer_sink_duplicates_total", page::kind::counter,
           "Records that the sink had already.",
           [](const route_figures& one) { return one.at_sink.duplicates; });
    family(out, now, "transfer_sink_requests_in_flight", page::kind::gauge,
           "Requests that wait for an answer.",
           [](const route_figures& one) { return one.at_sink.in_flight; });
    out.family("transfer_retries_total", page::kind::counter,
               "What was tried again at the sink, by the class of the failure.");
    for (const auto& route : now.routes)
        for (const auto& [what, count] : route.at_sink.retried)
            out.sample({{"route", route.name}, {"class", what}}, count);
}

http::response typed(std::string_view type, std::string body) {
    http::response out;
    out.fields.push_back({"Content-Type", std::string{type}});
    out.fields.push_back({"Cache-Control", "no-store"});
    out.body = std::move(body);
    return out;
}

}  // namespace

std::string status_json(const transfer_status& now) {
    json::array routes;
    for (const auto& one : now.routes)
        routes.push_back(route_object(one));
    json::array refused;
    for (const auto& one : now.refused)
        refused.push_back(json::value(base::visible(one, 500)));
    const json::object out{{"version", LOGAGENT_VERSION},
                           {"started", now.started},
                           {"ready", not_ready(now).empty()},
                           {"problem", not_ready(now)},
                           {"refused", std::move(refused)},
                           {"etcd", base::visible(now.etcd_text, 500)},
                           {"dead_letters_waiting", now.dead_letters_waiting},
                           {"routes", std::move(routes)}};
    return json::serialize(out) + "\n";
}

std::string status_metrics(const transfer_status& now) {
    page out;
    const auto counter = page::kind::counter;
    const auto gauge = page::kind::gauge;
    using figures = route_figures;
    family(out, now, "transfer_records_total", counter, "Records that were given to the sink.",
           [](const figures& one) { return one.records; });
    family(out, now, "transfer_bytes_total", counter, "Keys and values of those records.",
           [](const figures& one) { return one.bytes; });
    family(out, now, "transfer_accepted_total", counter, "Records that the sink has for good.",
           [](const figures& one) { return one.accepted; });
    family(out, now, "transfer_repeated_total", counter,
           "Records that were dropped because they were sent twice.",
           [](const figures& one) { return one.repeated; });
    family(out, now, "transfer_dead_letters_total", counter,
           "Records that the sink refused and that lie in a dead letter topic.",
           [](const figures& one) { return one.buried; });
    family(out, now, "transfer_lost_to_retention_total", counter,
           "Offsets that the topic's retention deleted before they were read.",
           [](const figures& one) { return one.lost_to_retention; });
    family(out, now, "transfer_in_flight_bytes", gauge,
           "Memory of records that were read and are not final.",
           [](const figures& one) { return one.held_bytes; });
    family(out, now, "transfer_delay_seconds", gauge,
           "From Kafka's time of the record that was accepted last until then.",
           [](const figures& one) { return one.delay_s; });
    family(out, now, "transfer_rebalances_total", counter, "Changes of what partitions are owned.",
           [](const figures& one) { return one.rebalances; });
    family(out, now, "transfer_pauses_total", counter,
           "How often reading paused because too much was in flight.",
           [](const figures& one) { return one.pauses; });
    family(out, now, "transfer_stalled", gauge, "1 while the route cannot deliver.",
           [](const figures& one) { return std::uint64_t{one.text.empty() ? 0u : 1u}; });
    partition_families(out, now);
    sink_families(out, now);
    out.family("transfer_refused_sections", gauge,
               "Complaints about sinks and routes that are not used.");
    out.sample(static_cast<std::uint64_t>(now.refused.size()));
    return out.take();
}

std::string not_ready(const transfer_status& now) {
    for (const auto& one : now.routes) {
        if (!one.text.empty()) return "route " + one.name + ": " + base::visible(one.text, 500);
        if (!one.assigned)
            return "route " + one.name + ": waits for its partitions" +
                   (one.kafka_text.empty() ? std::string{} : ": " + one.kafka_text);
    }
    if (!now.refused.empty()) return base::visible(now.refused.front(), 500);
    return base::visible(now.etcd_text, 500);
}

std::vector<http::route> status_routes(const status_source& from) {
    const auto* const source = &from;
    std::vector<http::route> out;
    const auto add = [&](std::string pattern, http::handler answer) {
        out.push_back({"GET", std::move(pattern), std::move(answer)});
    };
    add("/status", [source](const http::request&) {
        return typed("application/json", status_json(source->status()));
    });
    add("/metrics", [source](const http::request&) {
        return typed(base::metrics_page::content_type, status_metrics(source->status()));
    });
    add("/healthz", [](const http::request&) { return http::plain_text(200, "ok"); });
    add("/readyz", [source](const http::request&) {
        const auto why = not_ready(source->status());
        return why.empty() ? http::plain_text(200, "ok") : http::plain_text(503, why);
    });
    return out;
}

}  // namespace logagent::transfer
