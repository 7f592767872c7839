#include "demo/scenery.hpp"

#include <boost/json/array.hpp>
#include <initializer_list>
#include <utility>

namespace logagent::demo {

namespace json = boost::json;

namespace {

constexpr host all_hosts[] = {
    {"web-1", "192.0.2.11", "web"},
    {"app-1", "192.0.2.21", "app"},
    {"batch-1", "192.0.2.31", "batch"},
};

constexpr log all_logs[] = {
    {"web-1/nginx/access.log", "shop-access", sample_kind::access, 40, true},
    {"app-1/orders/orders.json", "orders", sample_kind::json, 15, false},
    {"app-1/payments/payments.log", "payments", sample_kind::java, 5, false},
    {"batch-1/import/import.log", "stock-import", sample_kind::rows, 60, false},
    {"shared/messages", "messages", sample_kind::messages, 1, false},
};

json::object file(const std::string& directory, const log& from, json::object more = {}) {
    json::object out;
    out["log_path"] = directory + "/" + std::string{from.path};
    out["topic"] = from.service;
    out["start"] = "start";
    for (auto& [key, value] : more)
        out[key] = std::move(value);
    return out;
}

definition service(const log& from, std::string_view text, json::object selection,
                   json::object entry) {
    definition out{std::string{from.service}, {}};
    out.document["description"] = text;
    out.document["owner"] = "the demo";
    out.document["enabled"] = true;
    out.document["hosts"] = std::move(selection);
    json::array files;
    files.emplace_back(std::move(entry));
    out.document["files"] = std::move(files);
    out.document["message"] = "the demo begins";
    return out;
}

json::object role(std::string_view name) {
    json::object out;
    out["selector"] = "role=" + std::string{name};
    return out;
}

}  // namespace

std::span<const host> hosts() {
    return all_hosts;
}

std::span<const log> logs() {
    return all_logs;
}

std::vector<kafka::mock_cluster::topic> topics() {
    std::vector<kafka::mock_cluster::topic> out;
    for (const auto& each : all_logs)
        out.push_back({std::string{each.service}, 3});
    return out;
}

std::vector<definition> definitions(const std::string& directory) {
    json::object multiline;
    multiline["start"] = R"(^\d{4}-\d\d-\d\d )";
    json::object payments;
    payments["multiline"] = std::move(multiline);
    json::object import;
    import["send_rate"] = 25;
    json::object everywhere;
    json::array any;
    any.emplace_back("*");
    everywhere["list"] = std::move(any);

    std::vector<definition> out;
    out.push_back(service(all_logs[0], "Access log of the shop, rotated now and then", role("web"),
                          file(directory, all_logs[0])));
    out.push_back(service(all_logs[1], "One JSON object for each order", role("app"),
                          file(directory, all_logs[1])));
    out.push_back(service(all_logs[2], "Java: a stack trace is one record", role("app"),
                          file(directory, all_logs[2], std::move(payments))));
    out.push_back(service(all_logs[3], "Writes 60 lines/s, may send 25: it lags, loses nothing",
                          role("batch"), file(directory, all_logs[3], std::move(import))));
    out.push_back(service(all_logs[4], "Defined once for all hosts", std::move(everywhere),
                          file(directory, all_logs[4])));
    return out;
}

}  // namespace logagent::demo
