#include "logagent/fleet/entry_change.hpp"

#include <boost/json/array.hpp>
#include <set>
#include <string_view>

namespace logagent::fleet {

namespace {

namespace json = boost::json;

std::string text_of(const json::object& entry, std::string_view name) {
    const auto* const member = entry.if_contains(name);
    if (!member || !member->is_string()) return {};
    return std::string{member->get_string()};
}

std::optional<json::value> member_of(const json::object& object, std::string_view name) {
    const auto* const member = object.if_contains(name);
    if (!member) return std::nullopt;
    return *member;
}

std::string_view name_of(change_kind kind) {
    switch (kind) {
        case change_kind::added:
            return "added";
        case change_kind::removed:
            return "removed";
        case change_kind::changed:
            break;
    }
    return "changed";
}

}  // namespace

std::vector<field_change> changed_fields(const json::object& before, const json::object& after) {
    std::set<std::string_view> names;
    for (const auto* const side : {&before, &after})
        for (const auto& member : *side)
            names.emplace(member.key().data(), member.key().size());
    std::vector<field_change> out;
    for (const auto name : names) {
        auto was = member_of(before, name);
        auto is = member_of(after, name);
        if (was != is) out.push_back({std::string{name}, std::move(was), std::move(is)});
    }
    return out;
}

std::optional<entry_change> change_of(const json::object* before, const json::object* after) {
    if (!before && !after) return std::nullopt;
    const auto& shown = after ? *after : *before;
    entry_change out;
    out.kind = !before ? change_kind::added : !after ? change_kind::removed : change_kind::changed;
    out.log_path = text_of(shown, "log_path");
    out.topic = text_of(shown, "topic");
    out.service = text_of(shown, "service");
    if (before && after) {
        out.fields = changed_fields(*before, *after);
        if (out.fields.empty()) return std::nullopt;
    }
    return out;
}

json::object to_json(const field_change& change) {
    json::object out;
    out["field"] = change.field;
    if (change.before) out["before"] = *change.before;
    if (change.after) out["after"] = *change.after;
    return out;
}

json::object to_json(const entry_change& change) {
    json::array fields;
    for (const auto& field : change.fields)
        fields.push_back(to_json(field));
    json::object out;
    out["kind"] = name_of(change.kind);
    out["log_path"] = change.log_path;
    out["topic"] = change.topic;
    out["service"] = change.service;
    if (!fields.empty()) out["fields"] = std::move(fields);
    return out;
}

}  // namespace logagent::fleet
