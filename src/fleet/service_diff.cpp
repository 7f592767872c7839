#include "logagent/fleet/service_diff.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

namespace logagent::fleet {

namespace {

namespace json = boost::json;

/// The document with `hosts` spread out and without `files`.
json::object flat(const service& one) {
    auto out = to_json(one);
    out.erase("files");
    const auto hosts = out["hosts"].as_object();
    out.erase("hosts");
    for (const auto& member : hosts)
        out["hosts." + std::string{member.key()}] = member.value();
    return out;
}

using identity = std::pair<std::string_view, std::string_view>;

std::map<identity, const service_file*> by_target(const service& one) {
    std::map<identity, const service_file*> out;
    for (const auto& file : one.files)
        out.try_emplace({file.target.log_path, file.target.topic}, &file);
    return out;
}

}  // namespace

service_diff diff(const service& before, const service& after) {
    service_diff out;
    out.fields = changed_fields(flat(before), flat(after));
    const auto known = by_target(before);
    const auto kept = by_target(after);
    for (const auto& file : after.files) {
        const auto was = known.find({file.target.log_path, file.target.topic});
        const auto is = to_json(file);
        json::object before_json;
        if (was != known.end()) before_json = to_json(*was->second);
        auto change = change_of(was == known.end() ? nullptr : &before_json, &is);
        if (change) out.entries.push_back(std::move(*change));
    }
    for (const auto& file : before.files) {
        if (kept.contains({file.target.log_path, file.target.topic})) continue;
        const auto was = to_json(file);
        out.entries.push_back(*change_of(&was, nullptr));
    }
    return out;
}

json::object to_json(const service_diff& difference) {
    json::array fields;
    for (const auto& change : difference.fields)
        fields.push_back(to_json(change));
    json::array entries;
    for (const auto& change : difference.entries)
        entries.push_back(to_json(change));
    json::object out;
    out["fields"] = std::move(fields);
    out["entries"] = std::move(entries);
    return out;
}

}  // namespace logagent::fleet
