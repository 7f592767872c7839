#include "service_document.hpp"

#include <algorithm>
#include <array>

#include "problem.hpp"

namespace logagent::web {

namespace {

constexpr std::array<std::string_view, 7> server_fields{
    "revision", "updated_at", "updated_by", "etag", "message", "rendered", "dry_run"};

bool alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool valid_service_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && alphanumeric(name.front()) &&
           std::ranges::all_of(
               name, [](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

fleet::service read_definition(std::string_view name, boost::json::object definition,
                               const fleet::service* stored) {
    problem why;
    const auto* given = definition.if_contains("name");
    if (given && (!given->is_string() || given->get_string() != name))
        why.errors.push_back({"/name", "mismatch", "is not the name that the request is for"});
    strip_server_fields(definition, name);
    auto read = fleet::read_service(definition, stored);
    for (auto& error : read.errors)
        why.errors.push_back(
            {std::move(error.pointer), std::move(error.code), std::move(error.text)});
    if (why.errors.empty()) return std::move(read.value);
    why.status = 422;
    why.code = "invalid";
    why.detail = why.errors.front().pointer + ": " + why.errors.front().detail;
    if (why.errors.size() > 1)
        why.detail += " (and " + std::to_string(why.errors.size() - 1) + " more)";
    throw refused{std::move(why)};
}

void strip_server_fields(boost::json::object& definition, std::string_view name) {
    for (const auto field : server_fields)
        definition.erase(field);
    definition["name"] = name;
}

}  // namespace logagent::web
