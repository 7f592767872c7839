#include "service_document.hpp"

#include <algorithm>
#include <array>

namespace logagent::web {

namespace {

constexpr std::array<std::string_view, 5> server_fields{"revision", "updated_at", "updated_by",
                                                        "etag", "message"};

bool alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool valid_service_name(std::string_view name) {
    return !name.empty() && name.size() <= 128 && alphanumeric(name.front()) &&
           std::ranges::all_of(
               name, [](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

std::vector<field_error> check_service(std::string_view name,
                                       const boost::json::object& definition) {
    std::vector<field_error> errors;
    const auto* given = definition.if_contains("name");
    if (given && (!given->is_string() || given->get_string() != name))
        errors.push_back({"/name", "mismatch", "is not the name in the path of the request"});
    return errors;
}

void strip_server_fields(boost::json::object& definition, std::string_view name) {
    for (const auto field : server_fields)
        definition.erase(field);
    definition["name"] = name;
}

}  // namespace logagent::web
