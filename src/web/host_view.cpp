#include "host_view.hpp"

#include <boost/json/array.hpp>

#include "stamp.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

constexpr std::size_t most_problems = 5;

json::object identity(const std::string& host, const host_record& record) {
    json::object out;
    out["host"] = host;
    out["online"] = record.online;
    out["since"] = utc_time(record.since_ms);
    const auto known = host_registry::host_of(record);
    json::object labels;
    if (known)
        for (const auto& [label, value] : known->labels)
            labels[label] = value;
    out["labels"] = std::move(labels);
    out["primary_ip"] = known ? known->primary_ip : std::string{};
    return out;
}

}  // namespace

json::object shown_host(const std::string& host, const host_record& record) {
    auto out = identity(host, record);
    out["status"] = record.status;
    return out;
}

json::object short_host(const std::string& host, const host_record& record) {
    auto out = identity(host, record);
    json::object status;
    for (const auto name : {"state", "version", "config", "files"})
        if (const auto* member = record.status.if_contains(name)) status[name] = *member;
    const auto* problems = record.status.if_contains("problems");
    if (problems && problems->is_array()) {
        json::array some;
        for (const auto& one : problems->get_array())
            if (some.size() < most_problems) some.push_back(one);
        status["problems"] = std::move(some);
    }
    out["status"] = std::move(status);
    return out;
}

}  // namespace logagent::web
